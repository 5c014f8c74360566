//! Scratch, removed again: how long histories take.
#![allow(missing_docs, clippy::all)]
use std::time::Instant;
use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::Buckets;
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};
use weft_forecast::bank::{Bank, BankConfig};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let (n, days, one) = (a[0], a[1], a[2]);
    let mut r = ChaCha8Rng::seed_from_u64(1);
    let mut u = move || (r.next_u64() >> 40) as f32 / (1u32 << 24) as f32;
    let pasts: Vec<_> = (0..n).map(|i| {
        let mut l = 0.0f32;
        let mut s = Series::new(Timestamp::from_seconds(0), Step::FIVE_MINUTES);
        for t in 0..days * 288 {
            l = 0.9 * l + 200.0 * (u() - 0.5);
            let season = 600.0 * ((t % 288) as f32 / 288.0 * 6.283).sin();
            s.push(Some((1000.0 + season + l + 100.0 * u()).max(0.0)), false);
        }
        (SeriesKey::resource(format!("vm-{i:05}").as_str().into(), Resource::Cpu), 4000.0, s)
    }).collect();
    let mut b = Bank::new(BankConfig::new(Step::FIVE_MINUTES, Buckets::covering(288)));
    let t = Instant::now();
    if one == 1 { for (k, c, s) in &pasts { b.insert_history(k.clone(), *c, s); } } else { b.insert_histories(pasts); }
    use std::io::Write; let _ = writeln!(std::io::stdout(), "{n} series {days} days: {:.2} s", t.elapsed().as_secs_f64());
    let sc = b.scenarios().unwrap();
    let mut h = 0xcbf29ce484222325u64;
    let mut put = |x: u32| { h ^= x as u64; h = h.wrapping_mul(0x100000001b3); };
    for r in 0..sc.series().len() { for k in 0..sc.buckets().len() { put(sc.within_variance(r, k).to_bits()); put(sc.mean(r,k).to_bits()); for w in 0..sc.len() { put(sc.demand(r, w, k).to_bits()); } } }
    let l = weft_core::forecast::Levels::new(&[0.05, 0.5, 0.95]).unwrap();
    let keys: Vec<_> = sc.series().to_vec();
    for k in &keys { let f = b.forecast(k, 288, &l).unwrap(); for t in 0..288 { for v in f.at(t) { put(v.to_bits()); } } }
    let _ = writeln!(std::io::stdout(), "{h:x}");
}
