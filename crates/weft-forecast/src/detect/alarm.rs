//! When a surprise is told: once, not at each sample of what causes it.

/// Samples for which only what is more surprising is told: two thirds of a day of five-minute steps, long enough for
/// most incidents, short enough that the next night's is told again.
const REFRACTORY_SAMPLES: u32 = 200;
/// How much more surprising (in powers of ten) it must be.
const MARGIN: f64 = 0.3;
/// Less surprise than this holds nothing back.
const LEAST_HELD: f64 = 1.5;
/// The part of a surprise that is told while it is held back: enough to be seen, too little for any threshold.
const HELD_PART: f64 = 0.1;

/// The largest surprise told of late.
#[derive(Debug, Clone, Default)]
pub(super) struct Refractory {
    told: Option<f64>,
    age: u32,
}

impl Refractory {
    /// How much of `surprise` is told, and whether it is news.
    pub(super) fn pass(&mut self, surprise: f64) -> (f64, bool) {
        self.age += 1;
        if self.age > REFRACTORY_SAMPLES {
            self.told = None;
        }
        let is_news = self.told.is_none_or(|told| surprise > told + MARGIN);
        if is_news && surprise > LEAST_HELD {
            (self.told, self.age) = (Some(surprise), 0);
        }
        (if is_news { surprise } else { HELD_PART * surprise }, is_news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_surprise_is_news_for_a_while() {
        let mut refractory = Refractory::default();
        let mut is_news = |surprise: f64| refractory.pass(surprise).1;
        assert!(is_news(3.0) && !is_news(3.0) && !is_news(3.2) && is_news(4.0));
        assert!((0..REFRACTORY_SAMPLES).all(|_| !is_news(1.0)));
        assert!(is_news(3.0));
    }
}
