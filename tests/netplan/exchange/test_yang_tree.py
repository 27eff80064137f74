# SPDX-License-Identifier: Apache-2.0
"""One structure, two encodings."""

from __future__ import annotations

from netplan.exchange.yang_tree import Empty, Identity, Tree, Wide, json_text, namespace, xml_text

TREE: Tree = {
    "ietf-interfaces:interfaces": {
        "interface": [
            {
                "name": "p<1>",
                "type": Identity(module="iana-if-type", name="ethernetCsmacd"),
                "enabled": True,
                "ieee802-dot1q-bridge:bridge-port": {"pvid": 1, "rate": Wide(2**40)},
            },
            {"name": "p2", "wildcard": Empty(), "presence": {}, "port": ["a", "b"]},
        ]
    }
}


def test_json_by_hand() -> None:
    # RFC 7951: 64 bits as text (6.1), identities with their module (6.8), empty as [null] (6.9)
    assert (
        json_text(TREE)
        == """\
{
  "ietf-interfaces:interfaces": {
    "interface": [
      {
        "name": "p<1>",
        "type": "iana-if-type:ethernetCsmacd",
        "enabled": true,
        "ieee802-dot1q-bridge:bridge-port": {
          "pvid": 1,
          "rate": "1099511627776"
        }
      },
      {
        "name": "p2",
        "wildcard": [
          null
        ],
        "presence": {},
        "port": [
          "a",
          "b"
        ]
      }
    ]
  }
}
"""
    )


def test_xml_by_hand() -> None:
    # a namespace where the module changes, and one for the prefix of an identity
    assert (
        xml_text(TREE)
        == """\
<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">
  <interface>
    <name>p&lt;1&gt;</name>
    <type xmlns:id="urn:ietf:params:xml:ns:yang:iana-if-type">id:ethernetCsmacd</type>
    <enabled>true</enabled>
    <bridge-port xmlns="urn:ieee:std:802.1Q:yang:ieee802-dot1q-bridge">
      <pvid>1</pvid>
      <rate>1099511627776</rate>
    </bridge-port>
  </interface>
  <interface>
    <name>p2</name>
    <wildcard/>
    <presence/>
    <port>a</port>
    <port>b</port>
  </interface>
</interfaces>
"""
    )


def test_modules_of_redundancy_stand_in_the_namespace_of_bridges() -> None:
    assert namespace("ieee802-dot1cb-frer") == "urn:ieee:std:802.1Q:yang:ieee802-dot1cb-frer"
