//! Local regression by lines with tricube weights on a grid (Cleveland & Devlin 1988). A value of weight zero is not
//! there.

/// How wide, and at which steps a line is fitted; between them it is interpolated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Steps whose values count, odd.
    pub(super) window: usize,
    /// Steps between two fits, at least 1.
    pub(super) jump: usize,
}

/// `values` smoothed. Where no value of the window has weight, the window is widened; without any, all is zero.
pub(super) fn smooth(values: &[f64], weights: &[f64], span: Span) -> Vec<f64> {
    let steps = values.len();
    let at = |step: usize| {
        fit_widening(values, weights, step as f64, first(step, steps, span.window), span.window)
    };
    let mut smoothed = vec![0.0; steps];
    let mut before = 0;
    smoothed[0] = at(0).unwrap_or(0.0);
    while before + 1 < steps {
        let next = (before + span.jump).min(steps - 1);
        smoothed[next] = at(next).unwrap_or(0.0);
        let slope = (smoothed[next] - smoothed[before]) / (next - before) as f64;
        for step in before + 1..next {
            smoothed[step] = smoothed[before] + slope * (step - before) as f64;
        }
        before = next;
    }
    smoothed
}

/// `values` smoothed with a step more on both sides; `None` where none has weight.
pub(super) fn extended(values: &[f64], weights: &[f64], span: Span) -> Option<Vec<f64>> {
    let steps = values.len();
    let outside = |at: f64, first: usize| fit_widening(values, weights, at, first, span.window);
    let left = outside(-1.0, 0)?;
    let right = outside(steps as f64, steps.saturating_sub(span.window))?;
    let mut all = Vec::with_capacity(steps + 2);
    all.push(left);
    all.extend(smooth(values, weights, span));
    all.push(right);
    Some(all)
}

/// First step of the window around `step`, which is moved inwards at the ends.
fn first(step: usize, steps: usize, window: usize) -> usize {
    (step + 1).saturating_sub(window.div_ceil(2)).min(steps.saturating_sub(window))
}

fn fit_widening(
    values: &[f64],
    weights: &[f64],
    at: f64,
    first: usize,
    window: usize,
) -> Option<f64> {
    let (mut first, mut window) = (first, window);
    loop {
        if let Some(value) = fit(values, weights, at, first, window) {
            return Some(value);
        }
        if window >= 2 * values.len() {
            return None;
        }
        first = first.saturating_sub(window / 2);
        window *= 2;
    }
}

/// The local line at `at`, from the values of `window` steps from `first` on.
fn fit(values: &[f64], weights: &[f64], at: f64, first: usize, window: usize) -> Option<f64> {
    let steps = values.len();
    let end = (first + window).min(steps);
    let reach = (at - first as f64).max((end - 1) as f64 - at);
    let reach = reach + (window.saturating_sub(steps) / 2) as f64;
    // Moments of the weights around `at`, and of the values: the line follows from them.
    let [mut w0, mut w1, mut w2, mut v0, mut v1] = [0.0; 5];
    for step in first..end {
        let distance = step as f64 - at;
        let weight = weights[step] * tricube(distance.abs(), reach);
        w0 += weight;
        w1 += weight * distance;
        w2 += weight * distance * distance;
        v0 += weight * values[step];
        v1 += weight * distance * values[step];
    }
    if w0 <= 0.0 {
        return None;
    }
    let (mean, centre) = (v0 / w0, w1 / w0);
    let spread = w2 / w0 - centre * centre;
    // Values that all stand at one place tell of no slope.
    if spread.max(0.0).sqrt() <= 0.001 * (steps - 1) as f64 {
        return Some(mean);
    }
    Some(mean - centre * (v1 / w0 - centre * mean) / spread)
}

fn tricube(distance: f64, reach: f64) -> f64 {
    if distance <= 0.001 * reach {
        return 1.0;
    }
    if distance > 0.999 * reach {
        return 0.0;
    }
    let share = distance / reach;
    let rest = 1.0 - share * share * share;
    rest * rest * rest
}
