// The money of a variant at given prices: the formulas of the program's own `econ`, which a test holds to the same results. Pure: nothing
// here touches the page. A range is { value, low, high }; break-even is a number of requests, or null where it never comes.
"use strict";

(() => {
  const KWH = 3.6e6; // J
  const HOURS_A_MONTH = 730.5; // 365.25 · 24 / 12

  const exact = (value) => ({ value, low: value, high: value });
  const map = (range, f) => ({ value: f(range.value), low: f(range.low), high: f(range.high) });

  // Energy at the meter's price and the facility's overhead; and with it the machine's time.
  const energyUsd = (prices, joules) => (joules / KWH) * prices.electricity_usd_per_kwh * prices.pue;
  const workUsd = (prices, joules, seconds) => energyUsd(prices, joules) + (seconds / 3600) * prices.machine_usd_per_hour;

  const makingUsd = (prices, seen) => workUsd(prices, seen.train_energy_j, seen.train_time_s) + prices.setup_usd;
  const ends = (f) => ({ value: f("value"), low: f("low"), high: f("high") });
  const hostedUsd = (prices, seen) => ends((end) =>
    (seen.input_tokens[end] * prices.api_input_usd_per_mtok + seen.output_tokens[end] * prices.api_output_usd_per_mtok) / 1e6);
  const byUseUsd = (prices, seen) => ends((end) => workUsd(prices, seen.energy_per_request_j[end], seen.machine_time_per_request_s[end]));

  // A machine by the hour, shared by the requests that really come. Without a rate there is nothing to share; a machine of one's own draws
  // its energy, busy and idle, beside its price.
  const reservedUsd = (prices, seen) => {
    if (!(prices.machine_usd_per_hour > 0)) return null;
    const u = prices.utilisation;
    if (!prices.energy_is_apart) return reserved(prices.machine_usd_per_hour, seen.requests_per_hour, u, 0, exact(0));
    if (!seen.idle_w.value) return null;
    const energy = map(seen.energy_per_request_j, (joules) => energyUsd(prices, joules));
    return reserved(prices.machine_usd_per_hour, seen.requests_per_hour, u, energyUsd(prices, seen.idle_w.value.value * 3600), energy);
  };
  const reserved = (rate, perHour, u, idleHour, energy) => {
    const anHour = rate + idleHour * (1 - u);
    const at = (requests, own) => anHour / (requests * u) + own;
    return { value: at(perHour.value, energy.value), low: at(perHour.high, energy.low), high: at(perHour.low, energy.high) };
  };

  const breakEven = (fixed, api, own) => (api - own > 0 && fixed >= 0 ? fixed / (api - own) : null);
  const breakEvenRange = (fixed, api, own) => ({
    value: breakEven(fixed, api.value, own.value), earliest: breakEven(fixed, api.high, own.low), latest: breakEven(fixed, api.low, own.high),
  });

  const machines = (requestsAMonth, perHour, u) => Math.max(1, Math.ceil(requestsAMonth / (HOURS_A_MONTH * perHour * u)));
  // What so many machines cost in a month: every hour of each, and where energy is apart that of requests and of idling.
  const monthReserved = (prices, seen) => {
    if (!(prices.machine_usd_per_hour > 0)) return null;
    const n = machines(prices.requests_per_month, seen.requests_per_hour.value, prices.utilisation);
    const rent = n * HOURS_A_MONTH * prices.machine_usd_per_hour;
    if (!prices.energy_is_apart) return { machines: n, usd: rent };
    if (!seen.idle_w.value) return null;
    const busy = prices.requests_per_month / seen.requests_per_hour.value;
    const idle = energyUsd(prices, seen.idle_w.value.value * 3600 * Math.max(0, n * HOURS_A_MONTH - busy));
    return { machines: n, usd: rent + idle + energyUsd(prices, seen.energy_per_request_j.value * prices.requests_per_month) };
  };

  const month = (prices, seen) => {
    const n = prices.requests_per_month;
    return {
      hosted_usd: map(hostedUsd(prices, seen), (usd) => usd * n),
      by_use_usd: map(byUseUsd(prices, seen), (usd) => usd * n),
      energy_kwh: map(seen.energy_per_request_j, (joules) => (joules * n * prices.pue) / KWH),
      carbon_g: map(seen.energy_per_request_j, (joules) => (joules / KWH) * prices.pue * prices.grid_gco2e_per_kwh * n),
    };
  };

  // Everything of a variant at these prices.
  const priced = (prices, seen) => {
    const making = makingUsd(prices, seen), hosted = hostedUsd(prices, seen), byUse = byUseUsd(prices, seen), byHour = reservedUsd(prices, seen);
    return {
      making_usd: making, hosted_usd: hosted, by_use_usd: byUse, reserved_usd: byHour,
      break_even: breakEvenRange(making, hosted, byUse),
      break_even_reserved: byHour && breakEvenRange(making, hosted, byHour),
      month: month(prices, seen), month_reserved: monthReserved(prices, seen),
    };
  };

  window.edgeEval = Object.assign(window.edgeEval || {}, { priced });
})();
