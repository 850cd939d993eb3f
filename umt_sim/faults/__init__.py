"""
The vocabulary of faults: pure values that both worlds read. Nothing here does anything.

    toxics      Toxiproxy's toxics with units, one file each
    actions     what can go wrong: toxics, partitions, crashes, ...
    timeline    named faults in order of time, and the windows they make
"""
