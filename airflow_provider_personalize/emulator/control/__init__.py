"""What a user sets: time, faults, quotas, assumptions, prices; and the log of calls and the bill."""
