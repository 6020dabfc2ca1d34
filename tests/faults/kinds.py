"""Every kind of fault, by name."""

from faults import checkpoints, clocks, places, programs, races, stopping, syscalls, tables
from faults.runner import Kind

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
        patience=300,
        size=syscalls.size,
    ),
    "signals": Kind("signals at random moments", stopping.prepare, stopping.run, patience=300),
    "races": Kind("two processes at once", races.prepare, races.run, patience=300),
    "programs": Kind("damaged cache of programs", programs.prepare, programs.run, patience=300),
    "clocks": Kind("clocks that are wrong or jump", clocks.prepare, clocks.run, patience=400),
    "places": Kind("places, names, memory", places.prepare, places.run, patience=300),
}
