/** Measured values, and which of them a throttled or contended GPU spoiled (reference/cuda.md §6.3, §6.4). */

export interface Sample {
  readonly value: number;
  /** While it was measured; `nominalClockMhz` is what the GPU has when nothing holds it back. */
  readonly clockMhz?: number;
  readonly nominalClockMhz?: number;
  readonly temperatureC?: number;
  /** From which the GPU slows down, as `nvidia-smi -q -d TEMPERATURE` says. */
  readonly slowdownTemperatureC?: number;
  /** NVML's bits: `nvidia-smi --query-gpu=clocks_event_reasons.active`. */
  readonly throttleReasons?: number;
  /** Other processes on the GPU. */
  readonly otherProcesses?: number;
}

/** NVML's clock event reasons that spoil a measurement; idle and clocks set on purpose do not. Source: nvml.h. */
export const THROTTLE_REASONS: Readonly<Record<number, string>> = {
  0x4: 'power cap',
  0x8: 'hardware slowdown',
  0x20: 'thermal slowdown by the driver',
  0x40: 'thermal slowdown by the hardware',
  0x80: 'power brake',
};

/** As nvbench discards samples. */
const LEAST_CLOCK = 0.75;

/** Why a sample does not count; `undefined` for a good one. */
export function whyRejected(sample: Sample): string | undefined {
  const {
    value,
    clockMhz,
    nominalClockMhz,
    temperatureC,
    slowdownTemperatureC,
    throttleReasons,
    otherProcesses,
  } = sample;
  if (!(Number.isFinite(value) && value > 0)) return 'no positive value';
  for (const [bit, reason] of Object.entries(THROTTLE_REASONS))
    if (((throttleReasons ?? 0) & Number(bit)) !== 0) return reason;
  if (clockMhz !== undefined && nominalClockMhz !== undefined && clockMhz < LEAST_CLOCK * nominalClockMhz)
    return 'clock below 75 % of nominal';
  if (
    temperatureC !== undefined &&
    slowdownTemperatureC !== undefined &&
    temperatureC >= slowdownTemperatureC
  )
    return 'too hot';
  return (otherProcesses ?? 0) > 0 ? 'other processes on the GPU' : undefined;
}

export interface Sifted {
  readonly values: readonly number[];
  /** How many were left out, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
}

export function siftSamples(samples: readonly Sample[]): Sifted {
  const values: number[] = [];
  const rejected: Record<string, number> = {};
  for (const sample of samples) {
    const reason = whyRejected(sample);
    if (reason === undefined) values.push(sample.value);
    else rejected[reason] = (rejected[reason] ?? 0) + 1;
  }
  return { values, rejected };
}
