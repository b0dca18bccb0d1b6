//! Power and memory: NVML, RAPL and modelled meters, windows and their verdicts.
