"""What every context is written in: operations, events, feeds, errors, context, runtime, log, jobs, ports."""
