//! Scratch: how candidates do on generated series of several kinds.
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::Buckets;
use weft_core::series::Sample;
use weft_core::time::{Span, Step, Timestamp};
use weft_forecast::bank::{Bank, BankConfig};

struct Noise(ChaCha8Rng);
impl Noise {
    fn u(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
    fn n(&mut self) -> f64 {
        (-2.0 * self.u().ln()).sqrt() * (std::f64::consts::TAU * self.u()).cos()
    }
}
fn main() {
    let season: usize = std::env::args().nth(1).map_or(48, |a| a.parse().unwrap());
    let step = Step::new(Span::from_minutes(1440 / season as i64)).unwrap();
    let horizon = season / 4;
    let kinds = [
        "season+ar.8",
        "season+ar.95",
        "ar.9",
        "rw+noise",
        "white",
        "spiky",
        "season only noise",
        "bursts",
    ];
    for (k, kind) in kinds.iter().enumerate() {
        let mut bank = Bank::new(BankConfig::new(step, Buckets::covering(horizon)));
        let n = 20;
        let key = |i: usize| SeriesKey::resource(format!("v{i:03}").as_str().into(), Resource::Cpu);
        for i in 0..n {
            bank.insert(key(i), f32::INFINITY);
        }
        let mut z = Noise(ChaCha8Rng::seed_from_u64(k as u64 + 1));
        let mut ar = vec![0.0; n];
        for t in 0..season * 14 {
            let ph = (t as f64 / season as f64 * std::f64::consts::TAU).sin();
            let mut samples = vec![];
            for i in 0..n {
                let e = z.n();
                let v = match k {
                    0 => {
                        ar[i] = 0.8 * ar[i] + 2.0 * e;
                        100.0 + 10.0 * ph + ar[i] + z.n()
                    }
                    1 => {
                        ar[i] = 0.95 * ar[i] + 2.0 * e;
                        100.0 + 10.0 * ph + ar[i] + z.n()
                    }
                    2 => {
                        ar[i] = 0.9 * ar[i] + 2.0 * e;
                        100.0 + ar[i] + z.n()
                    }
                    3 => {
                        ar[i] += 0.5 * e;
                        300.0 + ar[i] + 2.0 * z.n()
                    }
                    4 => 100.0 + 5.0 * e,
                    5 => {
                        let s = if z.u() < 0.05 { 100.0 * z.u() } else { 0.0 };
                        10.0 + e.abs() + s
                    }
                    6 => 100.0 + 10.0 * ph + 3.0 * e,
                    _ => {
                        if z.u() < 0.02 {
                            ar[i] = if ar[i] > 0.0 { 0.0 } else { 50.0 };
                        }
                        20.0 + ar[i] + 2.0 * e
                    }
                };
                samples.push(Sample {
                    key: key(i),
                    at: Timestamp::from_millis(t as i64 * step.span().as_millis()),
                    value: v.max(0.0) as f32,
                    censored: false,
                });
            }
            bank.observe(samples[0].at, &samples, &[]);
            bank.refit();
            if [1, 2, 3, 4, 7, 13].map(|d| d * season + season / 2).contains(&t) {
                let mut s = [0.0; 3];
                let mut seas = 0;
                let mut tr = std::collections::BTreeMap::new();
                for i in 0..n {
                    let r = bank.report(&key(i)).unwrap();
                    for c in 0..3 {
                        s[c] += r.scores[c].pinball.unwrap_or(f64::NAN) / n as f64;
                    }
                    seas += r.is_seasonal as usize;
                    *tr.entry(r.trend).or_insert(0) += 1;
                }
                println!(
                    "{kind:18} day {:4.1} last {:.3} seasonal {:.3} ets {:.3}  acting {:?} seasonal-ets {seas} {tr:?}",
                    t as f64 / season as f64,
                    s[0],
                    s[1],
                    s[2],
                    bank.acting_models()
                );
            }
        }
    }
}
