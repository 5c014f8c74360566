//! dev scratch
use std::io::Read;
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};
use weft_forecast::boosted::{Boosted, LEVELS};

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let arg = |n: usize, d: f64| std::env::args().nth(n).map_or(d, |a| a.parse().unwrap());
    let (trees, rate, rows, leaves, fewest) = (arg(1, 150.0) as usize, arg(2, 0.1) as f32, arg(3, 1e5) as usize, arg(4, 31.0) as usize, arg(5, 100.0) as usize);
    let origins = arg(6, 10.0) as usize;
    let rows_: Vec<Vec<f32>> = text.lines().skip(1).map(|l| l.split(',').map(|v| v.trim_matches('"').parse().unwrap_or(f32::NAN)).collect()).collect();
    let n = rows_.len();
    let cols = rows_[0].len();
    let train = 4032;
    let season = 288;
    let horizon = 288;
    let wql_levels: Vec<f64> = (1..10).map(|i| i as f64 / 10.0).collect();
    // series -> [12, 288] -> (model, floor)
    let mut loss = vec![[[0.0f64; 2]; 2]; cols];
    let mut cover = [[0.0f64; 2]; 3];
    let mut upper = [[0.0f64; 2]; 3];
    let mut fit_cpu = 0.0;
    let mut predict_cpu = 0.0;
    for o in 0..origins.min(std::env::var("ONLY").map_or(99, |v| v.parse().unwrap())) {
        let origin = train + ((n - train - horizon) as f64 * o as f64 / (origins - 1).max(1) as f64).round() as usize;
        let start = Timestamp::from_seconds(1483315200 + 300 * (origin - train) as i64);
        let panel: Vec<Series> = (0..cols).map(|c| Series::from_values(start, Step::FIVE_MINUTES, (origin - train..origin).map(|t| Some(rows_[t][c])))).collect();
        let t0 = cpu();
        let model = Boosted { trees, rate, rows, leaves, fewest_rows: fewest, ..Boosted::new(season, horizon) };
        let fitted = model.fit(&panel).unwrap();
        let t1 = cpu();
        fit_cpu += t1 - t0;
        for c in 0..cols {
            let t1 = cpu();
            let path = fitted.predict(&panel[c]).unwrap();
            predict_cpu += cpu() - t1;
            if let Ok(dump) = std::env::var("DUMP") {
                use std::io::Write;
                let mut f = std::fs::OpenOptions::new().create(true).append(true).open(dump).unwrap();
                let b: Vec<u8> = path.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
                f.write_all(&b).unwrap();
            }
            let hist: Vec<f32> = (origin - train..origin).map(|t| rows_[t][c]).collect();
            let mut err: Vec<f32> = (season..train).map(|t| hist[t] - hist[t - season]).collect();
            err.sort_by(f32::total_cmp);
            for h in 0..horizon {
                let y = rows_[origin + h][c];
                if y.is_nan() { continue; }
                let base = hist[train - season + h % season];
                let mut lm = 0.0;
                let mut lf = 0.0;
                for &q in &wql_levels {
                    lm += pin(q, interp(&path[h], q), y);
                    let k = (q * (err.len() - 1) as f64) as usize;
                    lf += pin(q, (base + err[k]).max(0.0), y);
                }
                for (i, lim) in [12, 288].iter().enumerate() {
                    if h < *lim {
                        loss[c][i][0] += lm;
                        loss[c][i][1] += lf;
                    }
                }
                for (i, at) in [11, 71, 287].iter().enumerate() {
                    if h <= *at && h + 12 > *at {
                        cover[i][0] += f64::from(u8::from(y >= path[h][0] && y <= path[h][8]));
                        cover[i][1] += 1.0;
                        upper[i][0] += f64::from(u8::from(y <= interp(&path[h], 0.95)));
                        upper[i][1] += 1.0;
                    }
                }
            }
        }
    }
    for (name, range) in [("dev", 0..cols / 2), ("held", cols / 2..cols), ("all", 0..cols)] {
        let mut out = vec![];
        for i in 0..2 {
            let l: Vec<f64> = range.clone().filter(|c| loss[*c][i][1] > 1e-9).map(|c| (loss[c][i][0].max(1e-12) / loss[c][i][1]).ln()).collect();
            out.push((l.iter().sum::<f64>() / l.len() as f64).exp());
        }
        if std::env::var("HELD").is_ok() || name == "dev" { println!("{name}: {:.4} / {:.4}", out[0], out[1]); }
    }
    if std::env::var("EACH").is_ok() {
        for c in 0..cols / 2 { println!("{c} {:.3} {:.3} floor {:.3}", loss[c][0][0] / loss[c][0][1], loss[c][1][0] / loss[c][1][1], loss[c][1][1] / 288.0 / 9.0 / origins as f64); }
    }
    let _ = LEVELS;
    println!("cover {:?} upper95 {:?}", cover.map(|c| (c[0] / c[1] * 1000.0).round() / 1000.0), upper.map(|c| (c[0] / c[1] * 1000.0).round() / 1000.0));
    println!("cpu fit {:.3} predict {:.3} s a series", fit_cpu / origins as f64 / cols as f64, predict_cpu / origins as f64 / cols as f64);
}
fn pin(q: f64, f: f32, y: f32) -> f64 { let d = f64::from(y - f); if d >= 0.0 { q * d } else { (q - 1.0) * d } }
fn interp(p: &[f32; 9], q: f64) -> f32 {
    let k = LEVELS.partition_point(|l| *l < q).clamp(1, 8);
    let (a, b) = (LEVELS[k - 1], LEVELS[k]);
    let w = ((q - a) / (b - a)) as f32;
    p[k - 1] + w * (p[k] - p[k - 1])
}
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split(' ').collect();
    (f[12].parse::<f64>().unwrap() + f[13].parse::<f64>().unwrap()) / 100.0
}
