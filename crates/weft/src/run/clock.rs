//! What time it is for the loop: the wall's, or that of a simulated fleet which runs faster. Only the shell
//! may ask; everything below is told.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weft_core::time::{Span, Timestamp};

/// A clock.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's.
    Wall,
    /// One that was at `began` at `since` and has run `speed` times as fast from then on.
    Scaled {
        /// When it was looked at.
        since: Instant,
        /// What it said.
        began: Timestamp,
        /// Its seconds a second.
        speed: f64,
    },
}

impl Clock {
    /// A clock that is at `began` now.
    pub fn scaled(began: Timestamp, speed: f64) -> Self {
        Self::Scaled { since: Instant::now(), began, speed }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                let since = since.expect("the machine's clock is after 1970");
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Scaled { since, began, speed } => {
                *began + Span::from_seconds_f64(since.elapsed().as_secs_f64() * speed)
            }
        }
    }

    /// How long to wait for an instant: nothing where it has passed.
    pub fn until(&self, at: Timestamp) -> Duration {
        self.lasts(at - self.now())
    }

    /// How long a span of this clock lasts.
    pub fn lasts(&self, span: Span) -> Duration {
        let seconds = span.as_seconds_f64().max(0.0) / self.speed();
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Its seconds a second.
    pub const fn speed(&self) -> f64 {
        match self {
            Self::Wall => 1.0,
            Self::Scaled { speed, .. } => *speed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_is_waited_for_as_long_as_it_takes() {
        let began = Timestamp::from_seconds(1_700_000_000);
        let clock = Clock::scaled(began, 60.0);
        assert!(clock.now() >= began);
        let wait = clock.until(began + Span::from_hours(1));
        assert!(wait <= Duration::from_secs(60) && wait > Duration::from_secs(50), "{wait:?}");
        assert_eq!(clock.until(began - Span::from_hours(1)), Duration::ZERO);
        let wall = Clock::Wall.now();
        assert!(wall > Timestamp::from_seconds(1_750_000_000), "{wall}");
    }
}
