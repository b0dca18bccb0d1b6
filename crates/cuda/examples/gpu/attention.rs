//! Attention of one token and of a prompt against the reference.

use anyhow::Result;
use cuda::Buffer;
use cuda::kernels::{Attend, AttendRows, TurnRows};

use crate::check::{Bench, EXACT, ROUNDED};
use crate::reference::{self, error, wide};

const CAPACITY: usize = 700;

/// A cache as both sides see it.
struct Cache {
    keys: Vec<u16>,
    values: Vec<u16>,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Cache {
    fn draw(b: &mut Bench) -> Self {
        let len = CAPACITY * b.shape.kv_width();
        let half = b.shape.head_dim / 2;
        let angles = b.draw.wide(CAPACITY * half, 3.2);
        let (cos, sin) = angles.into_iter().map(|a| (a.cos(), a.sin())).unzip();
        Self { keys: b.draw.narrow(len, 1.0), values: b.draw.narrow(len, 1.0), cos, sin }
    }

    fn angles(&self, position: usize, half: usize) -> (Vec<f64>, Vec<f64>) {
        (wide(&self.cos[position * half..][..half]), wide(&self.sin[position * half..][..half]))
    }
}

/// The first rows of a head's part of the cache.
fn rows(b: &Bench, cache: &[u16], head: usize, count: usize) -> Vec<Vec<f64>> {
    let d = b.shape.head_dim;
    (0..count).map(|p| b.wide(&cache[(head * CAPACITY + p) * d..][..d])).collect()
}

pub(crate) fn one(b: &mut Bench) -> Result<()> {
    let shape = b.shape;
    let (d, half, group) = (shape.head_dim, shape.head_dim / 2, shape.heads / shape.kv_heads);
    let cache = Cache::draw(b);
    let (cos, sin, keys, values) = (b.of(&cache.cos)?, b.of(&cache.sin)?, b.of(&cache.keys)?, b.of(&cache.values)?);
    let parts = b.poisoned(b.kernels.parts_len())?;
    let ended = Buffer::zeros(b.gpu, shape.kv_heads)?;
    for position in [0, 1, 6, 39, 511, CAPACITY - 1] {
        let qkv = b.draw.wide(shape.qkv_width(), 2.0);
        let (qkv_gpu, state, out) = (b.of(&qkv)?, b.of(&[0, position as i32, 0, 0])?, b.poisoned(shape.q_width())?);
        let attend = Attend {
            state: &state,
            qkv: &qkv_gpu,
            cos: &cos,
            sin: &sin,
            keys: &keys,
            values: &values,
            parts: &parts,
            ended: &ended,
            out: &out,
            capacity: CAPACITY,
        };
        b.kernels.attend(&attend)?;
        let first = out.read()?;
        b.kernels.attend(&attend)?;
        let again = out.read()?;
        let (c, s) = cache.angles(position, half);
        let qkv = wide(&qkv);
        let (keys_now, values_now) = (keys.read()?, values.read()?);
        let mut expected = Vec::new();
        let mut written = (Vec::new(), Vec::new());
        for head in 0..shape.kv_heads {
            let (keys, values) = (rows(b, &keys_now, head, position + 1), rows(b, &values_now, head, position + 1));
            written.0.extend(keys[position].iter().chain(&values[position]).copied());
            let (k, v) = (&qkv[shape.q_width() + head * d..][..d], &qkv[shape.q_width() + shape.kv_width() + head * d..][..d]);
            written.1.extend(reference::turn(k, &c, &s).iter().chain(v).copied());
            for g in 0..group {
                let q = reference::turn(&qkv[(head * group + g) * d..][..d], &c, &s);
                expected.extend(reference::attend(&q, &keys, &values));
            }
        }
        b.told(&format!("attend at {position}"), error(&wide(&first), &expected), EXACT);
        b.told("  cache written", error(&written.0, &written.1), ROUNDED);
        b.told("  again the same", if first == again { 0.0 } else { 1.0 }, 0.0);
    }
    Ok(())
}

pub(crate) fn many(b: &mut Bench) -> Result<()> {
    let shape = b.shape;
    let (d, half, group) = (shape.head_dim, shape.head_dim / 2, shape.heads / shape.kv_heads);
    for (count, position, biased) in [(1, 0, false), (64, 0, true), (100, 37, false), (129, 300, true)] {
        let cache = Cache::draw(b);
        let (qkv, bias) = (b.draw.wide(count * shape.qkv_width(), 2.0), b.draw.narrow(shape.qkv_width(), 1.0));
        let (cos, sin, keys, values) = (b.of(&cache.cos)?, b.of(&cache.sin)?, b.of(&cache.keys)?, b.of(&cache.values)?);
        let (qkv_gpu, bias_gpu) = (b.of(&qkv)?, b.of(&bias)?);
        let (q, out) = (b.poisoned(count * shape.q_width())?, b.poisoned(count * shape.q_width())?);
        b.kernels.turn_rows(&TurnRows {
            qkv: &qkv_gpu,
            bias: biased.then_some(&bias_gpu),
            cos: &cos,
            sin: &sin,
            q: &q,
            keys: &keys,
            values: &values,
            rows: count,
            position,
            capacity: CAPACITY,
        })?;
        b.kernels.attend_rows(&AttendRows { q: &q, keys: &keys, values: &values, out: &out, rows: count, position, capacity: CAPACITY })?;
        let (q_now, keys_now, values_now) = (b.wide(&q.read()?), keys.read()?, values.read()?);
        let bias = b.wide(&bias);
        let (mut turned, mut expected, mut attended) = ((Vec::new(), Vec::new()), Vec::new(), Vec::new());
        let out = b.wide(&out.read()?);
        for row in 0..count {
            let at = position + row;
            let (c, s) = cache.angles(at, half);
            let line: Vec<f64> = wide(&qkv[row * shape.qkv_width()..][..shape.qkv_width()]);
            let line: Vec<f64> = line.iter().zip(&bias).map(|(x, b)| if biased { x + b } else { *x }).collect();
            for head in 0..shape.heads {
                turned.0.extend(&q_now[row * shape.q_width() + head * d..][..d]);
                turned.1.extend(reference::turn(&line[head * d..][..d], &c, &s));
            }
            for head in 0..shape.kv_heads {
                turned.0.extend(b.wide(&keys_now[(head * CAPACITY + at) * d..][..d]));
                turned.1.extend(reference::turn(&line[shape.q_width() + head * d..][..d], &c, &s));
                turned.0.extend(b.wide(&values_now[(head * CAPACITY + at) * d..][..d]));
                turned.1.extend(&line[shape.q_width() + shape.kv_width() + head * d..][..d]);
            }
        }
        for head in 0..shape.heads {
            let (keys, values) = (rows(b, &keys_now, head / group, position + count), rows(b, &values_now, head / group, position + count));
            // Every seventh row and the last: the reference is slow.
            for row in (0..count).filter(|row| row % 7 == 0 || row + 1 == count) {
                let (q, end) = (&q_now[row * shape.q_width() + head * d..][..d], position + row + 1);
                expected.extend(reference::attend(q, &keys[..end], &values[..end]));
                attended.extend(&out[row * shape.q_width() + head * d..][..d]);
            }
        }
        b.told(&format!("turn_rows {count} at {position}"), error(&turned.0, &turned.1), ROUNDED);
        b.told(&format!("attend_rows {count} at {position}"), error(&attended, &expected), ROUNDED);
    }
    Ok(())
}
