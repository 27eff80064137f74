# SPDX-License-Identifier: Apache-2.0
"""JSON Schema of results. Additions are free, changes are not."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_TIME = {"type": ["number", "null"], "description": "Nanoseconds; fractions are picoseconds."}
_NUMBER = {"type": ["number", "null"]}
_WHOLE = {"type": ["integer", "null"]}
_SHARE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _record(
    properties: dict[str, Any], description: str = "", *, optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An object with all of these keys; others may come."""
    described: dict[str, Any] = {
        "type": "object",
        "required": [key for key in properties if key not in optional],
        "properties": properties,
    }
    if description:
        described["description"] = description
    return described


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _or_null(record: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [record, {"type": "null"}]}


def results_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of what :func:`netplan.verdict.results.results` gives."""
    terms = _list(
        _record({"kind": _TEXT, "what": _TEXT, "min_ns": _TIME, "max_ns": _TIME, "source": _TEXT})
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plantwire results",
        **_record(
            {
                "design": _record({"name": _TEXT, "hash": _TEXT}),
                "version": _TEXT,
                "seed": _WHOLE,
                "evidence": _evidence(),
                "summary": _record({"met": _COUNT, "missed": _COUNT, "not_proven": _COUNT}),
                "targets": _list(_target()),
                "streams": _list(_stream(terms)),
                "chains": _list(_chain(terms)),
                "egresses": _list(_egress()),
                "findings": _list(_finding()),
                "assumptions": _list(_TEXT),
            }
        ),
    }


def _evidence() -> dict[str, Any]:
    not_made = _record({"made": {"const": False}, "why": _TEXT})
    bound = _record({"made": {"const": True}, "method": _TEXT, "assumptions": _list(_TEXT)})
    simulated = _record(
        {
            "made": {"const": True},
            "duration_ns": _TIME,
            "requested_ns": _TIME,
            "complete": _FLAG,
            "exact": {
                **_FLAG,
                "description": "The state of the run repeated and nothing in it is random: no "
                "frame is ever later, with these phases.",
            },
            "faults": _list(_TEXT),
            "ring_recoveries": _list(
                _record(
                    {
                        "ring": _TEXT,
                        "fault": _TEXT,
                        "at_ns": _TIME,
                        "recovered_ns": _TIME,
                        "promised_ns": _TIME,
                        "kept": {"type": ["boolean", "null"]},
                    }
                )
            ),
            "frames": _COUNT,
            "frame_hops": _COUNT,
            "trace_hash": _TEXT,
            "confidence": _SHARE,
            "assumptions": _list(_TEXT),
        }
    )
    return _record(
        {
            "bound": {"anyOf": [bound, not_made]},
            "simulated": {"anyOf": [simulated, not_made]},
            "emulated": {"anyOf": [simulated, not_made]},
        }
    )


def _target() -> dict[str, Any]:
    return _record(
        {
            "subject": _TEXT,
            "kind": {"enum": ["stream", "relation", "chain", "offer"]},
            "listener": _TEXT,
            "direction": {"enum": ["", "forward", "reverse"]},
            "quantity": {
                "enum": [
                    "latency", "variation", "update interval", "reaction time",
                    "loss", "rate", "availability",
                ]
            },
            "statistic": _TEXT,
            "application": _FLAG,
            "limit": _NUMBER,
            "unit": {"enum": ["ns", "ratio", "bps"]},
            "bound": _NUMBER,
            "exceedance_probability": _SHARE,
            "simulated": _NUMBER,
            "lower": _NUMBER,
            "upper": _NUMBER,
            "samples": _COUNT,
            "needs": {
                **_WHOLE,
                "description": "Samples in all that a decision takes, where that is known.",
            },
            "emulated": _NUMBER,
            "verdict": {"enum": ["met", "missed", "not proven"]},
            "decided_by": {"enum": ["", "bound", "simulated", "emulated"]},
            "margin": _NUMBER,
            "relative_margin": _NUMBER,
            "binding": _TEXT,
            "why": {"type": "string", "minLength": 1},
        },
        "One promise: its limit, what each kind of evidence says, and the verdict.",
    )  # fmt: skip


def _stream(terms: dict[str, Any]) -> dict[str, Any]:
    hop_times = dict.fromkeys(("received_ns", "queued_ns", "started_ns", "delivered_ns"), _TIME)
    seen = _record(
        {
            "frames": _COUNT,
            "lost": _COUNT,
            "min_ns": _TIME,
            "mean_ns": _TIME,
            "p50_ns": _TIME,
            "p99_ns": _TIME,
            "p999_ns": _TIME,
            "max_ns": _TIME,
            "needs": {
                "type": "object",
                "additionalProperties": _COUNT,
                "description": "Samples that a percentile needs which is null for want of them.",
            },
            "min_gap_ns": _TIME,
            "max_gap_ns": _TIME,
            "max_talker_wait_ns": _TIME,
            "max_application_ns": _TIME,
            "worst_released_ns": _TIME,
            "worst": _list(_record({"egress": _TEXT, **hop_times})),
        },
        "Percentiles are upper limits at the stated confidence, over delivered frames.",
    )
    return _record(
        {
            "id": _TEXT,
            "kind": _TEXT,
            "talker": _TEXT,
            "listener": _TEXT,
            "pcp": _COUNT,
            "vlan": _COUNT,
            "deadline_ns": _TIME,
            "bound_ns": _TIME,
            "minimum_ns": _TIME,
            "exceedance_probability": _SHARE,
            "loss_free": {"type": ["boolean", "null"]},
            "after": {
                **_TEXT,
                "description": "What has failed in a ring when a frame may be as late as the bound.",
            },
            "why": _TEXT,
            "verdict": {"enum": ["met", "missed", "not proven", None]},
            "hops": _list(_record({"egress": _TEXT, "terms": terms})),
            "talker_host": terms,
            "listener_host": terms,
            "simulated": _or_null(seen),
            "outage": _or_null(_record({"lost": _COUNT, "outage_ns": _TIME, "over": _FLAG})),
            "worst_case": _or_null(
                _record(
                    {
                        "latency_ns": _TIME,
                        "gap_ns": _TIME,
                        "bound_ratio": _NUMBER,
                        "after": _TEXT,
                        "runs": _COUNT,
                        "first_releases_ns": {"type": "object", "additionalProperties": _TIME},
                    },
                    "What a search for the worst case found; 'after' says what has failed in a ring.",
                )
            ),
            "emulated": _or_null(seen),
        },
        "One row per stream and listener.",
    )


def _chain(terms: dict[str, Any]) -> dict[str, Any]:
    seen = _record({"reactions": _COUNT, "min_ns": _TIME, "mean_ns": _TIME, "max_ns": _TIME})
    return _record(
        {
            "id": _TEXT,
            "bound_ns": _TIME,
            "minimum_ns": _TIME,
            "exceedance_probability": _SHARE,
            "why": _TEXT,
            "terms": terms,
            "simulated": _or_null(seen),
        }
    )


def _egress() -> dict[str, Any]:
    seen = _record(
        {"frames": _COUNT, "dropped": _COUNT, "busy_ratio": _NUMBER, "max_backlog_octets": _COUNT}
    )
    return _record(
        {
            "id": _TEXT,
            "medium": _TEXT,
            "load_ratio": _NUMBER,
            "backlog_octets": _WHOLE,
            "buffer_octets": _WHOLE,
            "simulated": _or_null(seen),
        }
    )


def _finding() -> dict[str, Any]:
    return _record(
        {
            "code": _TEXT,
            "severity": {"enum": ["error", "warning", "note"]},
            "message": _TEXT,
            "file": {"type": ["string", "null"]},
            "line": _WHOLE,
            "path": _TEXT,
            "expected": _TEXT,
            "found": _TEXT,
            "hint": _TEXT,
        }
    )
