"""Every kind of fault, by name."""

from faults import checkpoints, clocks, forked, places, programs, races, stopping, syscalls, tables
from faults.runner import Kind

WAITING = 3.0 * forked.PATIENCE  # a case runs a command once to three times

KINDS = {
    "damaged-checkpoints": Kind("damaged checkpoints", checkpoints.prepare, checkpoints.damaged),
    "hostile-checkpoints": Kind("hostile checkpoints", checkpoints.prepare, checkpoints.hostile),
    "damaged-data": Kind(
        "damaged tables of every format, npz, IDX", tables.prepare, tables.damaged
    ),
    "system-calls": Kind(
        "kill and error at every system call",
        syscalls.prepare,
        syscalls.run,
        patience=WAITING,
        size=syscalls.size,
    ),
    "signals": Kind("signals at random moments", stopping.prepare, stopping.run, patience=WAITING),
    "races": Kind("two processes at once", races.prepare, races.run, patience=WAITING),
    "programs": Kind("damaged cache of programs", programs.prepare, programs.run, patience=WAITING),
    "clocks": Kind("clocks that are wrong or jump", clocks.prepare, clocks.run, patience=WAITING),
    "places": Kind("places, names, memory", places.prepare, places.run, patience=WAITING),
}
