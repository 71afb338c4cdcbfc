"""ADF: what portals send is read whole, and hostile XML is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from porchlight.integrations.adf.payload import AdfConfig, parse
from porchlight.kit.errors import PorchlightError
from porchlight.leads.inputs import Address

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<?adf version="1.0"?>
<adf><prospect status="new">
  <id sequence="1" source="Portal">P-1</id>
  <requestdate>2026-11-01T12:00:00-05:00</requestdate>
  <property interest="buy" status="used"><mls>MLS-9</mls><price currency="USD">450000</price><beds>3</beds></property>
  <customer>
    <contact primarycontact="1">
      <name part="first">Zoë</name><name part="middle">Q</name><name part="last">Smith</name>
      <email>zoe@work.net</email><email preferredcontact="1">zoe@smith.net</email>
      <phone type="voice" time="day">650-253-0000</phone><phone type="fax">650-253-0009</phone>
      <address type="home"><street line="1">1 Main St</street><street line="2">Apt 2</street><city>Austin</city>
        <regioncode>TX</regioncode><postalcode>78701</postalcode><country>US</country></address>
    </contact>
    <timeframe><description>3-6 months</description></timeframe>
    <comments><![CDATA[Is <this> one free?]]></comments>
  </customer>
  <vendor><contact><name part="full">Oak Realty</name></contact></vendor>
  <provider><name part="full">Portal Inc</name></provider>
</prospect></adf>"""


def test_a_prospect_is_read_whole() -> None:
    (lead,) = parse(MESSAGE.encode(), AdfConfig())
    assert (lead.origin, lead.external_id, lead.source) == ("adf:Portal", "P-1", "Portal Inc")
    assert (lead.full_name, lead.listing_key, lead.message) == ("Zoë Smith", "MLS-9", "Is <this> one free?")
    assert [point.value for point in lead.contact_points] == ["zoe@smith.net", "zoe@work.net", "+16502530000"]
    assert lead.address == Address("1 Main St, Apt 2", "Austin", "TX", "78701", "US")
    assert lead.created_at == datetime(2026, 11, 1, 17, tzinfo=UTC)
    assert dict(lead.criteria) == {"intent": "buy", "price_max": 450_000, "timeframe_days": 180}
    assert dict(lead.custom) == {
        "property.beds": "3",
        "customer.contact.name.middle": "Q",
        "customer.contact.phone.fax": "650-253-0009",
        "vendor.contact.name.full": "Oak Realty",
    }


def test_several_prospects_are_several_leads() -> None:
    prospect = "<prospect><customer><contact><name>{}</name></contact></customer></prospect>"
    leads = parse(f"<adf>{prospect.format('Joe')}{prospect.format('Ann')}</adf>".encode(), AdfConfig("Mail"))
    assert [(lead.full_name, lead.source, lead.origin) for lead in leads] == [
        ("Joe", "Mail", "adf:Mail"),
        ("Ann", "Mail", "adf:Mail"),
    ]
    assert leads[0].external_id != leads[1].external_id


def test_a_prospect_without_id_is_known_again_by_its_content() -> None:
    message = b"\xef\xbb\xbf \n<adf><prospect><customer><comments>Hi</comments></customer></prospect></adf>"
    assert parse(message, AdfConfig())[0].external_id == parse(message, AdfConfig())[0].external_id


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"no xml",
        b"<adf><prospect></adf>",
        b"<adf></adf>",
        b"<html><body/></html>",
        b'<?xml version="1.0" encoding="klingon"?><adf><prospect/></adf>',
        b'<!DOCTYPE adf [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><adf><prospect><id>&b;</id></prospect></adf>',
        b'<!DOCTYPE adf SYSTEM "file:///etc/passwd"><adf><prospect/></adf>',
        b"<adf><prospect>" + b"<a>" * 500 + b"</a>" * 500 + b"</prospect></adf>",
    ],
)
def test_broken_or_hostile_xml_is_refused_with_advice(hostile: bytes) -> None:
    with pytest.raises(PorchlightError) as caught:
        parse(hostile, AdfConfig())
    assert caught.value.code == "payload_invalid"


def test_an_endless_message_is_refused() -> None:
    with pytest.raises(PorchlightError) as caught:
        parse(b"<adf>" + b" " * (1 << 20) + b"</adf>", AdfConfig())
    assert caught.value.code == "body_too_large"
