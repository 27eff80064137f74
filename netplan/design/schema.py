# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of design documents, for editors that complete and check while typing."""

from __future__ import annotations

from typing import Any

from netplan.design.document import Document


def design_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a design document.

    An ``!include`` may stand for any value; editors that follow the schema
    show it as a mismatch unless they are told of the tag.
    """
    schema = Document.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "plantwire design"
    return schema
