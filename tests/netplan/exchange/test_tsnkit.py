# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netplan.design.findings import DesignError
from netplan.exchange.tsnkit import Instance, problem_of, read_instance
from netplan.tsn.synthesis.problem import GateLimits
from netplan.tsn.synthesis.result import Status
from netplan.tsn.synthesis.synthesise import synthesise
from support.schedule_replay import faults, transmissions

LINKS = """link,q_num,rate,t_proc,t_prop
"(0, 1)",8,1,2000,0
"(1, 0)",8,1,2000,0
"(0, 2)",8,1,2000,0
"(2, 0)",8,1,2000,0
"(1, 3)",8,10,2000,30
"(3, 1)",8,1,2000,0
"(1, 4)",8,1,1000,0
"(4, 1)",8,1,2000,0
"""
"""Switches 0 and 1; stations 2 at 0, 3 (at 100 Mbit/s down) and 4 at 1."""

STREAMS = """stream,src,dst,size,period,deadline,jitter
0,2,[3],400,1000000,100000,1000000
1,2,"[3, 4]",100,500000,500000,0
"""


def written(folder: Path, streams: str = STREAMS, links: str = LINKS) -> tuple[Path, Path]:
    files = (folder / "task.csv", folder / "topo.csv")
    for file, text in zip(files, (streams, links), strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def read(folder: Path, streams: str = STREAMS, links: str = LINKS) -> Instance:
    return read_instance(*written(folder, streams, links))


def test_rows_are_kept_as_they_stand(tmp_path: Path) -> None:
    instance = read(tmp_path)
    assert [row.name for row in instance.streams] == ["0", "1"]
    second = instance.streams[1]
    assert (second.talker, second.listeners, second.line) == ("2", ("3", "4"), 3)
    assert (second.frame_octets, second.period_ps, second.jitter_ps) == (100, 500_000_000, 0)
    link = instance.links[4]
    assert (link.from_node, link.to_node, link.queue_count) == ("1", "3", 8)
    assert (link.bit_ps, link.forwarding_ps, link.propagation_ps) == (10_000, 2_000_000, 30_000)


def test_times_follow_the_conventions_of_that_tool(tmp_path: Path) -> None:
    # 400 octets: 3.2 us at 1 ns per bit, 32 us at 10. 2>0 without forwarding at 0; 0>1 2 us after
    # 3.2 us: 5.2; 1>3 2 us after 8.4: 10.4; received 32 us and 30 ns later: 42.43 us.
    problem = problem_of(read(tmp_path, STREAMS.rsplit("1,2,", 1)[0]))
    schedule = synthesise(problem)
    assert schedule.status is Status.FEASIBLE
    sent = list(transmissions(problem, schedule))
    base = sent[0].start_ps
    assert [one.port for one in sent] == ["2>0", "0>1", "1>3"]
    assert [one.start_ps - base for one in sent] == [0, 5_200_000, 10_400_000]
    assert sent[-1].latest_received_ps - base == 42_430_000


def test_multicast_shares_its_way(tmp_path: Path) -> None:
    problem = problem_of(read(tmp_path))
    route = problem.streams[1].routes.candidate(0)
    assert route is not None
    names = [problem.ports[hop.port_index].name for hop in route.hops]
    assert names == ["2>0", "0>1", "1>3", "1>4"]
    assert route.listener_hops == (2, 3)
    # Towards 4 the link says 1 us of forwarding, towards 3 it says 2.
    assert [hop.before_max_ps for hop in route.hops] == [0, 2_000_000, 2_000_000, 1_000_000]
    schedule = synthesise(problem)
    assert schedule.status is Status.FEASIBLE
    assert faults(problem, schedule) == []


def test_gates_may_be_limited(tmp_path: Path) -> None:
    problem = problem_of(read(tmp_path), GateLimits(largest_entry_count=2))
    assert synthesise(problem).max_gate_entries == 2


def test_another_way_round_a_ring(tmp_path: Path) -> None:
    # 0, 1, 2 in a ring with stations 3, 4, 5. The two streams to 4 need 72 us of 100 each on the
    # link 0>1 by the shortest way; round by 2 there is room.
    pairs = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 4), (2, 5), (0, 6), (1, 7)]
    both = [*pairs, *((to, of) for of, to in pairs)]
    links = "link,q_num,rate,t_proc,t_prop\n" + "".join(f'"{pair}",8,1,1000,0\n' for pair in both)
    streams = (
        "stream,src,dst,size,period,deadline,jitter\n"
        "0,3,[4],9000,100000,400000,0\n1,6,[7],9000,100000,400000,0\n"
    )
    problem = problem_of(read(tmp_path, streams, links))
    schedule = synthesise(problem)
    assert schedule.status is Status.FEASIBLE
    assert sorted(len(one.route.hops) for one in schedule.placements) == [3, 4]
    every = problem.streams[0].routes.every(10)
    assert every is not None
    assert len(every) == 2
    assert problem.streams[0].routes.every(1) is None


WRONG = {
    "header": (STREAMS.replace("period", "cycle"), LINKS, "TSNKIT-HEADER", 1),
    "interchanged": (LINKS, STREAMS, "TSNKIT-HEADER", 1),
    "empty": ("", LINKS, "TSNKIT-FILE", None),
    "no streams": (STREAMS.splitlines()[0], LINKS, "TSNKIT-FILE", None),
    "short row": (STREAMS + "2,2,[3],100\n", LINKS, "TSNKIT-ROW", 4),
    "unquoted list": (STREAMS + "2,2,[3, 4],100,500000,500000,0\n", LINKS, "TSNKIT-ROW", 4),
    "size": (STREAMS + "2,2,[3],big,500000,500000,0\n", LINKS, "TSNKIT-NUMBER", 4),
    "negative": (STREAMS + "2,2,[3],100,-5,500000,0\n", LINKS, "TSNKIT-NUMBER", 4),
    "fraction": (STREAMS + "2,2,[3],100,1e6,500000,0\n", LINKS, "TSNKIT-NUMBER", 4),
    "zero period": (STREAMS + "2,2,[3],100,0,500000,0\n", LINKS, "TSNKIT-NUMBER", 4),
    "unknown listener": (STREAMS + "2,2,[9],100,500000,500000,0\n", LINKS, "TSNKIT-NODE", 4),
    "unknown talker": (STREAMS + "2,8,[3],100,500000,500000,0\n", LINKS, "TSNKIT-NODE", 4),
    "itself": (STREAMS + "2,2,[2],100,500000,500000,0\n", LINKS, "TSNKIT-NODE", 4),
    "no list": (STREAMS + "2,2,three,100,500000,500000,0\n", LINKS, "TSNKIT-NODE", 4),
    "same name": (STREAMS + "1,2,[3],100,500000,500000,0\n", LINKS, "TSNKIT-STREAM", 4),
    "unreachable": (STREAMS, LINKS.replace('"(0, 1)",8,1,2000,0\n', ""), "TSNKIT-NODE", 2),
    "link": (STREAMS, LINKS + "nowhere,8,1,2000,0\n", "TSNKIT-LINK", 10),
    "loop": (STREAMS, LINKS + '"(5, 5)",8,1,2000,0\n', "TSNKIT-LINK", 10),
    "twice": (STREAMS, LINKS + '"(0, 1)",8,1,2000,0\n', "TSNKIT-LINK", 10),
    "queues": (STREAMS, LINKS + '"(5, 1)",9,1,2000,0\n', "TSNKIT-NUMBER", 10),
    "rate": (STREAMS, LINKS + '"(5, 1)",8,0,2000,0\n', "TSNKIT-NUMBER", 10),
    "code": (STREAMS, LINKS + '"__import__(1)",8,1,2000,0\n', "TSNKIT-LINK", 10),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_tables_are_findings(tmp_path: Path, case: str) -> None:
    streams, links, code, line = WRONG[case]
    files = written(tmp_path, streams, links)
    with pytest.raises(DesignError) as caught:
        read_instance(*files)
    findings = caught.value.findings
    found = next(finding for finding in findings if finding.code == code)
    assert found.mark is not None
    assert found.mark.file in {str(file) for file in files}
    if line is not None:
        assert found.mark.line == line
    assert found.expected
    assert found.found
    assert found.hint


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    stream_file, link_file = written(tmp_path)
    for wrong in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(DesignError) as caught:
            read_instance(wrong, link_file)
        assert [finding.code for finding in caught.value.findings] == ["TSNKIT-FILE"]
    link_file.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DesignError) as caught:
        read_instance(stream_file, link_file)
    assert caught.value.findings[0].code == "TSNKIT-FILE"


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    streams = STREAMS + "2,2,[3],x,y,500000,0\n3,2,[9],100,500000,500000,0\n"
    with pytest.raises(DesignError) as caught:
        read(tmp_path, streams, LINKS + '"(5, 1)",9,1,2000,0\n')
    assert [finding.code for finding in caught.value.findings].count("TSNKIT-NUMBER") == 3
    assert len(caught.value.findings) == 4


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet='0123456789,"()[]\n\r -ax\x00é', max_size=60),
    where=st.integers(0, 200),
    which=st.booleans(),
)
def test_no_text_is_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, text: str, where: int, which: bool
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    tables = [STREAMS, LINKS]
    tables[which] = tables[which][:where] + text + tables[which][where:]
    with suppress(DesignError):
        problem_of(read(folder, *tables))
