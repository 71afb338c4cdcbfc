# The image of every Porchlight process; compose.yaml shows the set. PostgreSQL is outside, by PORCHLIGHT_DATABASE_URL.

FROM python:3.13-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /porchlight
COPY requirements/runtime.txt requirements/
RUN /porchlight/bin/pip install --require-hashes --requirement requirements/runtime.txt
COPY requirements/build.txt requirements/
RUN pip install --require-hashes --requirement requirements/build.txt
COPY pyproject.toml hatch_build.py README.md LICENSE NOTICE ./
COPY frontend frontend
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /porchlight/bin/pip install --no-deps dist/porchlight-*.whl

FROM python:3.13-slim-bookworm
COPY --from=build /porchlight /porchlight
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/porchlight porchlight
ENV PATH=/porchlight/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    PORCHLIGHT_HOME=/var/lib/porchlight \
    PORCHLIGHT_LOG_FORMAT=json
USER porchlight
VOLUME /var/lib/porchlight
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["porchlight"]
CMD ["serve", "--host", "0.0.0.0"]
