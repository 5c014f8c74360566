//! Pack once: after the first samples, pack as tightly as they allow, then never move again. It
//! exposes empty victories: whoever saves energy over a fleet that was never packed has shown
//! nothing. It must never look at a sample beyond the first few.

use std::collections::BTreeMap;

use weft_core::forecast::Confidence;
use weft_core::resource::Resource;

use super::Wish;
use super::history::{Histories, LENGTH};
use super::picture::{HostPicture, Picture};
use crate::world::World;

/// How tightly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PackOnce {
    /// How many samples it waits for: twelve are an hour.
    pub samples: usize,
    /// A host is filled until mean + this many standard deviations of its joint demand in those
    /// samples reach the target.
    pub deviations: f64,
    /// The target: a share of the host's capacity, in 0..=1.
    pub fill: f64,
}

/// An hour of samples of five minutes.
const FIRST_SAMPLES: usize = 12;

impl PackOnce {
    /// An hour of samples and the margin that a normal demand would need at this confidence, up to
    /// the whole host.
    pub fn with_confidence(confidence: Confidence) -> Self {
        let deviations = normal_quantile(confidence.get());
        Self { samples: FIRST_SAMPLES, deviations, fill: 1.0 }
    }

    /// An hour of samples and the margin of a confidence of 95 %, up to this share of the host.
    ///
    /// An hour tells little of a day, so confidences alone reach only the tight end of the trade
    /// of energy against unserved demand; sweeping the share reaches all of it.
    pub fn with_fill(fill: f64) -> Self {
        Self { samples: FIRST_SAMPLES, deviations: normal_quantile(0.95), fill }
    }
}

/// The standard normal quantile at `share` in 0.5..1, by bisection of the distribution function.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 9.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if normal_share_below(middle) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// P(Z ≤ x) of a standard normal for x ≥ 0: the series of Marsaglia (2004), "Evaluating the normal
/// distribution", 1/2 + φ(x)·(x + x³/3 + x⁵/(3·5) + …).
fn normal_share_below(x: f64) -> f64 {
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while term > sum * 1e-16 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// For how many ticks after the packing a move is asked for again that found no room yet, because
/// others had still to make it.
const PATIENCE_TICKS: usize = 12;

/// The one packing, while it is carried out.
#[derive(Debug, Default)]
pub(super) struct Packing {
    left: BTreeMap<usize, usize>,
}

impl Packing {
    /// What shall move now.
    pub(super) fn wishes(
        &mut self,
        parameters: &PackOnce,
        world: &World,
        histories: &Histories,
        incoming: &BTreeMap<usize, usize>,
    ) -> Vec<Wish> {
        let ticks = histories.ticks();
        let due = parameters.samples.clamp(2, LENGTH);
        if ticks < due || ticks > due + PATIENCE_TICKS {
            return Vec::new();
        }
        let mut picture = Picture::take(world, histories, incoming);
        if ticks == due {
            let parameters = PackOnce { samples: due, ..*parameters };
            self.left = pack(&parameters, &picture, world, histories);
        }
        self.left.retain(|workload, target| world.sole_host(*workload) != Some(*target));
        let is_room = |picture: &mut Picture, workload: usize, target: usize| {
            let needed = picture.workloads[workload].memory;
            let free = &mut picture.hosts[target].free_memory;
            let is_room = picture.workloads[workload].is_movable && *free >= needed;
            if is_room && picture.memory_binds {
                *free -= needed;
            }
            is_room
        };
        let left = self.left.iter().map(|(workload, target)| (*workload, *target));
        left.filter(|(workload, target)| is_room(&mut picture, *workload, *target)).collect()
    }
}

/// A host being filled.
struct Bin {
    host: usize,
    /// Joint demand at each sample.
    demand: Vec<f64>,
    free_memory: u64,
}

/// The target of every workload that shall leave its host: best fit decreasing by mean + k·sd,
/// on hosts opened in the order of the power that a millicore takes on them.
fn pack(
    parameters: &PackOnce,
    picture: &Picture,
    world: &World,
    histories: &Histories,
) -> BTreeMap<usize, usize> {
    let PackOnce { samples, deviations, .. } = *parameters;
    let demand = |workload: usize| -> Vec<f64> {
        let history = histories.of(workload);
        let sampled = history.iter().take(samples).copied();
        let missing = samples - history.len().min(samples);
        sampled.chain(std::iter::repeat_n(picture.workloads[workload].demand, missing)).collect()
    };
    let mut bins = bins(picture, world, samples);
    let mut items = Vec::new();
    for bin in &mut bins {
        for workload in &picture.hosts[bin.host].list {
            let item = Item { workload: *workload, source: bin.host, demand: demand(*workload) };
            if picture.workloads[*workload].is_movable {
                items.push(item);
            } else {
                bin.add(&item, picture);
            }
        }
    }
    items.sort_by(|a, b| upper(&b.demand, deviations).total_cmp(&upper(&a.demand, deviations)));
    let mut targets = BTreeMap::new();
    for item in items {
        let fitting = bins.iter_mut().filter(|bin| bin.takes(&item, picture, parameters));
        let Some(bin) = tightest(fitting, picture, deviations) else { continue };
        bin.add(&item, picture);
        if bin.host != item.source {
            targets.insert(item.workload, bin.host);
        }
    }
    targets
}

struct Item {
    workload: usize,
    source: usize,
    demand: Vec<f64>,
}

/// Empty bins of all ready hosts, the most efficient first.
fn bins(picture: &Picture, world: &World, samples: usize) -> Vec<Bin> {
    let full_watts = |host: &HostPicture| host.watts(host.capacity) / host.capacity;
    let mut hosts: Vec<usize> = (0..picture.hosts.len()).collect();
    hosts.sort_by(|a, b| full_watts(&picture.hosts[*a]).total_cmp(&full_watts(&picture.hosts[*b])));
    let bin = |host: usize| Bin {
        host,
        demand: vec![0.0; samples],
        free_memory: memory_limit(picture, world, host),
    };
    hosts.into_iter().filter(|host| picture.hosts[*host].is_ready).map(bin).collect()
}

fn memory_limit(picture: &Picture, world: &World, host: usize) -> u64 {
    let held = |workload: &usize| world.workload(*workload).allocated[Resource::Memory];
    if picture.memory_binds {
        picture.hosts[host].free_memory + picture.hosts[host].list.iter().map(held).sum::<u64>()
    } else {
        u64::MAX
    }
}

impl Bin {
    fn is_open(&self) -> bool {
        self.demand.iter().any(|demand| *demand > 0.0)
    }

    fn takes(&self, item: &Item, picture: &Picture, parameters: &PackOnce) -> bool {
        let (host, workload) = (&picture.hosts[self.host], &picture.workloads[item.workload]);
        let joint: Vec<f64> = self.demand.iter().zip(&item.demand).map(|(a, b)| a + b).collect();
        host.region == picture.hosts[item.source].region
            && workload.vcpu_speed <= host.core_speed
            && self.free_memory >= workload.memory
            && upper(&joint, parameters.deviations) <= parameters.fill * host.capacity
    }

    fn add(&mut self, item: &Item, picture: &Picture) {
        for (sum, value) in self.demand.iter_mut().zip(&item.demand) {
            *sum += value;
        }
        let memory = picture.workloads[item.workload].memory;
        self.free_memory = self.free_memory.saturating_sub(memory);
    }
}

/// The open bin with the least room left; the first closed one where none is open.
fn tightest<'a>(
    bins: impl Iterator<Item = &'a mut Bin>,
    picture: &Picture,
    deviations: f64,
) -> Option<&'a mut Bin> {
    let mut best: Option<(&mut Bin, f64)> = None;
    for bin in bins {
        let room = picture.hosts[bin.host].capacity - upper(&bin.demand, deviations);
        let is_better = match &best {
            None => true,
            Some((other, least)) => {
                (bin.is_open() && !other.is_open())
                    || (bin.is_open() == other.is_open() && bin.is_open() && room < *least)
            }
        };
        if is_better {
            best = Some((bin, room));
        }
    }
    best.map(|(bin, _)| bin)
}

/// Mean + `deviations` × the standard deviation (of a sample) of a joint demand.
fn upper(demand: &[f64], deviations: f64) -> f64 {
    let count = demand.len() as f64;
    let mean = demand.iter().sum::<f64>() / count;
    let squares: f64 = demand.iter().map(|value| (value - mean).powi(2)).sum();
    mean + deviations * (squares / (count - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_of_a_confidence_is_the_normal_quantile() {
        // Abramowitz and Stegun (1964), table 26.5.
        for (confidence, quantile) in [(0.5, 0.0), (0.95, 1.644_853_6), (0.999, 3.090_232_3)] {
            let confidence = Confidence::new(confidence).expect("in range");
            let found = PackOnce::with_confidence(confidence).deviations;
            assert!((found - quantile).abs() < 1e-6, "{found} instead of {quantile}");
        }
    }

    #[test]
    fn demand_that_peaks_together_needs_more_room() {
        let (day, night) = ([4.0, 0.0, 4.0, 0.0], [0.0, 4.0, 0.0, 4.0]);
        let sum =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        assert_eq!(upper(&sum(&day, &night), 2.0), 4.0);
        assert!(upper(&sum(&day, &day), 2.0) > 12.0);
    }
}
