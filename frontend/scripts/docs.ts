/** The page /docs: the OpenAPI document, to read and to try. */

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

const place = document.getElementById("docs");
if (place) {
  SwaggerUI({ domNode: place, url: place.dataset.document, deepLinking: true, docExpansion: "list", tryItOutEnabled: false });
}
