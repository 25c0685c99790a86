"""Identity: what it costs to know who is who, one lead at a time, in a batch, in a crowd, and anew.

The yardstick is `resolve` alone, plain Python over components that are loaded: those of the very leads
that were measured. One batch is worked off by a real worker, whose memory is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench import machine, over
from tests.bench.draining import Spent
from tests.bench.table import Row, Target
from tests.bench.workplace import EVIDENCE_OF_LEAD, OFFICE, PERSON, Workplace, put_identifies, workplace
from tracker import config
from tracker.core.identity import resolve
from worker.persons import PersonStitcher
from worker.witness import Witness

GROUP = "identity"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many visitors the store has, and how much is measured on it.

    `evidence`: rows in one batch. `crowd`: visitors on one phone. `singles`: facts that come alone.
    `identifiers`: made anew, in a store of their own.
    """

    visitors: int
    evidence: int
    crowd: int
    singles: int
    identifiers: int


def measure(settings: config.Settings, plan: Plan) -> Iterator[Row]:
    """Fill a store with visitors, then bring leads, in a batch and one by one."""
    with (
        _timed(Witness, "hear") as hearing,
        _timed(PersonStitcher, "resolve") as resolving,
        workplace(settings) as place,
    ):
        place.fill(plan.visitors)
        yield from _batch(place, plan)
        yield from _singles(place, plan, hearing, resolving)
        yield from _crowd(place, plan)


def measure_rebuild(settings: config.Settings, identifiers: int) -> Iterator[Row]:
    """Make identifiers and persons anew, by the verb that operators run."""
    put_identifies(settings, identifiers // PERSON)
    ran = over.run(settings, "rebuild")
    what = f"rebuild of {identifiers:,} identifiers"
    yield Row(GROUP, what, ran.wall_s, "s")
    yield Row(GROUP, f"{what}, each", 1e6 * ran.cpu_s / identifiers, "us CPU")
    yield Row(GROUP, f"{what}, memory", ran.peak_bytes / machine.MIB, "MiB")


@contextmanager
def _timed(owner: type, name: str) -> Iterator[Spent]:
    """Time each call of a method."""
    spent, method = Spent(), getattr(owner, name)

    def timed(*given: object) -> object:
        told = []
        spent.add(lambda: told.append(method(*given)), 1)
        return told[0]

    setattr(owner, name, timed)
    try:
        yield spent
    finally:
        setattr(owner, name, method)


def _batch(place: Workplace, plan: Plan) -> Iterator[Row]:
    """Let a worker take one batch, and watch its memory."""
    leads = place.leads(plan.evidence // EVIDENCE_OF_LEAD)
    with place.worker() as pid:
        before = machine.cpu_s([pid])
        place.hand_over(leads)
        spent_s, peak = machine.cpu_s([pid]) - before, machine.peak_bytes(pid)
    what = f"{plan.evidence:,} rows of evidence in a batch, {_on(plan)}"
    row = Row(GROUP, what, 1e6 * spent_s / plan.evidence, "us CPU/row")
    yield row.against("resolve", _resolve_us(place, plan.singles) / EVIDENCE_OF_LEAD)
    yield Row(GROUP, "memory of the worker with it", peak / machine.MIB, "MiB").held_to(Target(most=120))


def _singles(place: Workplace, plan: Plan, hearing: Spent, resolving: Spent) -> Iterator[Row]:
    """Bring leads one by one, then one more hit of each of their visitors.

    Who gave a lead: what it says is kept as evidence, and the persons whom that concerns are resolved
    and written, with all that moves by it.
    """
    hearing.clear()
    resolving.clear()
    whole = place.time_each(place.leads(plan.singles, size=1))
    resolve_ms = _resolve_us(place, plan.singles) / 1e3
    row = _in_the_job(f"who gave one new lead, {_on(plan)}", hearing.cpu_us + resolving.cpu_us)
    yield row.against("resolve", resolve_ms)
    what = "that lead as a whole, from the log to its journey and status"
    yield _in_the_job(what, whole.cpu_us).against("resolve", resolve_ms)
    yield Row(GROUP, "the same by the clock", 1e3 / whole.rate, "ms")
    yield _in_the_job("one more hit of a person", place.time_each(place.hits_of_leads(plan.singles)).cpu_us)


def _crowd(place: Workplace, plan: Plan) -> Iterator[Row]:
    """Let a crowd give one number, then one more of it, and others beside it."""
    spent, crowd = Spent(), place.leads(plan.crowd, line=OFFICE)
    spent.add(lambda: place.work_off(crowd), plan.crowd)
    yield Row(GROUP, f"{plan.crowd:,} visitors on one phone, each", spent.cpu_us / 1e3, "ms CPU")
    following = place.leads(plan.singles, line=OFFICE, size=1)
    yield _in_the_job("the next lead on that phone", place.time_each(following).cpu_us)
    others = place.leads(plan.singles, size=1)
    yield _in_the_job("a lead that has nothing to do with it", place.time_each(others).cpu_us)


def _in_the_job(what: str, cpu_us: float) -> Row:
    return Row(GROUP, what, cpu_us / 1e3, "ms CPU").held_to(Target(most=2))


def _on(plan: Plan) -> str:
    return f"at {plan.visitors:,} visitors"


def _resolve_us(place: Workplace, count: int) -> float:
    """Time `resolve` of the components of the newest leads: the median, in microseconds."""
    spent = Spent()
    for each in place.newest_components(count):
        resolve(each.component)
        spent.add(lambda each=each: resolve(each.component), 1)  # type: ignore[misc]
    return spent.cpu_us
