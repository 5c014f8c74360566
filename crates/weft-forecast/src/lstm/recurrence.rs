//! The recurrence over all windows as one operation with its own gradient: on a CPU most of the time of a step-by-step graph
//! goes into keeping account of a thousand small tensors, not into arithmetic. What the windows are projected to stays inside
//! too: it is the largest tensor of all, and a graph adds up its gradient twice. Elsewhere the plain graph is used, which must
//! give the same.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp3, D, Device, Layout, Result, Shape, Tensor, bail};

/// The last state (batch × hidden) after what is `told` of the windows (windows × batch × inputs, no variable), with `input`
/// weights (inputs × 4·hidden: input gate, forget gate, output gate and candidate) and `recurrent` ones (hidden × 4·hidden).
pub(super) fn last_state(told: &Tensor, input: &Tensor, recurrent: &Tensor) -> Result<Tensor> {
    if matches!(told.device(), Device::Cpu) {
        return told.apply_op3(input, recurrent, Recurrence::default());
    }
    step_by_step(told, input, recurrent)
}

fn step_by_step(told: &Tensor, input: &Tensor, recurrent: &Tensor) -> Result<Tensor> {
    let (windows, batch, _) = told.dims3()?;
    let (hidden, fourfold) = recurrent.dims2()?;
    let projections = told.flatten_to(1)?.matmul(input)?.reshape((windows, batch, fourfold))?;
    let mut state = Tensor::zeros((batch, hidden), recurrent.dtype(), recurrent.device())?;
    let mut cell = state.clone();
    for window in 0..windows {
        let gates = (projections.get(window)? + state.matmul(recurrent)?)?;
        let part = |index: usize| gates.narrow(D::Minus1, index * hidden, hidden);
        let sigmoid = |gate: Tensor| ((gate * 0.5)?.tanh()? + 1.0)? * 0.5;
        cell = ((sigmoid(part(1)?)? * cell)? + (sigmoid(part(0)?)? * part(3)?.tanh()?)?)?;
        state = (sigmoid(part(2)?)? * cell.tanh()?)?;
    }
    Ok(state)
}

/// What the way back needs of the way there: window after window.
#[derive(Debug, Default)]
struct Trace {
    /// Gates after their non-linearities, batch × 4·hidden each.
    gates: Vec<Vec<f32>>,
    /// Cells after each window.
    cells: Vec<Vec<f32>>,
    /// States before each window, one after the other.
    states: Vec<f32>,
}

#[derive(Debug, Default)]
struct Recurrence {
    trace: OnceLock<Trace>,
}

/// The hyperbolic tangent as the first terms of its continued fraction (Lambert 1768), within 2e-4; it runs on whole vectors.
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-4.97, 4.97);
    let square = x * x;
    x * (135_135.0 + square * (17_325.0 + square * (378.0 + square)))
        / (135_135.0 + square * (62_370.0 + square * (3_150.0 + square * 28.0)))
}

/// Adds `rows` times `matrix` (inner × width) to `sums`, row after row. The products are too small for the library's, which
/// asks the operating system for the number of processors each time.
fn add_products(rows: &[f32], matrix: &[f32], width: usize, sums: &mut [f32]) {
    let inner = matrix.len() / width;
    for (row, sums) in rows.chunks_exact(inner).zip(sums.chunks_exact_mut(width)) {
        for (factor, line) in row.iter().zip(matrix.chunks_exact(width)) {
            sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += factor * value);
        }
    }
}

/// Turns `gates` (four parts of a row) into their values and moves cell and state on.
fn advance(gates: &mut [f32], cell: &mut [f32], state: &mut [f32]) {
    let hidden = cell.len();
    let (sigmoids, candidate) = gates.split_at_mut(3 * hidden);
    sigmoids.iter_mut().for_each(|gate| *gate = 0.5 + 0.5 * tanh(0.5 * *gate));
    candidate.iter_mut().for_each(|value| *value = tanh(*value));
    let (input, rest) = sigmoids.split_at(hidden);
    let (forget, output) = rest.split_at(hidden);
    for unit in 0..hidden {
        cell[unit] = forget[unit] * cell[unit] + input[unit] * candidate[unit];
        state[unit] = output[unit] * tanh(cell[unit]);
    }
}

/// Turns the gradients of state and cell of a row after a window into those of its gates before their non-linearities, and
/// of the cell before it.
fn retreat(
    (gates, cell, before): (&[f32], &[f32], Option<&[f32]>),
    of_state: &[f32],
    of_cell: &mut [f32],
    of_gates: &mut [f32],
) {
    let hidden = cell.len();
    let part = |index: usize| &gates[index * hidden..(index + 1) * hidden];
    let (input, forget, output, candidate) = (part(0), part(1), part(2), part(3));
    let (of_input, rest) = of_gates.split_at_mut(hidden);
    let (of_forget, rest) = rest.split_at_mut(hidden);
    let (of_output, of_candidate) = rest.split_at_mut(hidden);
    for unit in 0..hidden {
        let squashed = tanh(cell[unit]);
        let (i, f, o, g) = (input[unit], forget[unit], output[unit], candidate[unit]);
        let pull = of_cell[unit] + of_state[unit] * o * (1.0 - squashed * squashed);
        of_input[unit] = pull * g * i * (1.0 - i);
        of_forget[unit] = pull * before.map_or(0.0, |before| before[unit]) * f * (1.0 - f);
        of_output[unit] = of_state[unit] * squashed * o * (1.0 - o);
        of_candidate[unit] = pull * i * (1.0 - g * g);
        of_cell[unit] = pull * f;
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => bail!("expected contiguous values, found {layout:?}"),
    }
}

impl CustomOp3 for Recurrence {
    fn name(&self) -> &'static str {
        "long short-term memory"
    }

    fn cpu_fwd(
        &self,
        told: &CpuStorage,
        of_told: &Layout,
        input: &CpuStorage,
        of_input: &Layout,
        recurrent: &CpuStorage,
        of_recurrent: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, batch, inputs) = of_told.shape().dims3()?;
        let (hidden, fourfold) = of_recurrent.shape().dims2()?;
        let (input, recurrent) = (values(input, of_input)?, values(recurrent, of_recurrent)?);
        let mut trace = Trace::default();
        let (mut state, mut cell) = (vec![0.0; batch * hidden], vec![0.0; batch * hidden]);
        for window in values(told, of_told)?.chunks_exact(batch * inputs) {
            trace.states.extend_from_slice(&state);
            let mut gates = vec![0.0; batch * fourfold];
            add_products(window, input, fourfold, &mut gates);
            add_products(&state, recurrent, fourfold, &mut gates);
            gates
                .chunks_exact_mut(fourfold)
                .zip(cell.chunks_exact_mut(hidden).zip(state.chunks_exact_mut(hidden)))
                .for_each(|(gates, (cell, state))| advance(gates, cell, state));
            trace.gates.push(gates);
            trace.cells.push(cell.clone());
        }
        self.trace.get_or_init(|| trace);
        Ok((CpuStorage::F32(state), Shape::from((batch, hidden))))
    }

    fn bwd(
        &self,
        told: &Tensor,
        _: &Tensor,
        recurrent: &Tensor,
        _: &Tensor,
        of_result: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (windows, batch, _) = told.dims3()?;
        let (hidden, fourfold) = recurrent.dims2()?;
        let Some(trace) = self.trace.get() else { bail!("expected a forward pass before") };
        let back = recurrent.detach().t()?.flatten_all()?.to_vec1::<f32>()?;
        let mut of_state = of_result.flatten_all()?.to_vec1::<f32>()?;
        let mut of_cell = vec![0.0; batch * hidden];
        let mut of_gates = vec![0.0; windows * batch * fourfold];
        for window in (0..windows).rev() {
            let gates = &mut of_gates[window * batch * fourfold..(window + 1) * batch * fourfold];
            for row in 0..batch {
                let (few, many) =
                    (row * hidden..(row + 1) * hidden, row * fourfold..(row + 1) * fourfold);
                let before = window.checked_sub(1).map(|index| &trace.cells[index][few.clone()]);
                retreat(
                    (&trace.gates[window][many.clone()], &trace.cells[window][few.clone()], before),
                    &of_state[few.clone()],
                    &mut of_cell[few],
                    &mut gates[many],
                );
            }
            if window > 0 {
                of_state.fill(0.0);
                add_products(gates, &back, hidden, &mut of_state);
            }
        }
        let of_gates = Tensor::from_vec(of_gates, (windows * batch, fourfold), &Device::Cpu)?;
        let states = Tensor::from_slice(&trace.states, (windows * batch, hidden), &Device::Cpu)?;
        let of_input = told.detach().flatten_to(1)?.t()?.matmul(&of_gates)?;
        let of_recurrent = states.t()?.matmul(&of_gates)?;
        Ok((None, Some(of_input), Some(of_recurrent)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::boosted::Dice;

    fn drawn(shape: (usize, usize, usize), seed: u64) -> Var {
        let mut dice = Dice(seed);
        let values = (0..shape.0 * shape.1 * shape.2).map(|_| 2.0 * dice.roll() - 1.0).collect();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor");
        Var::from_tensor(&tensor).expect("a variable")
    }

    #[test]
    fn one_operation_does_what_the_graph_does() {
        let told = drawn((7, 3, 4), 1).as_tensor().detach();
        let (inputs, weights) = (drawn((1, 4, 20), 2), drawn((1, 5, 20), 3));
        let run = |state: fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor>| {
            let state = state(&told, &inputs.squeeze(0)?, &weights.squeeze(0)?)?;
            let gradients = state.sqr()?.sum_all()?.backward()?;
            let of = |var: &Var| {
                let gradient = gradients.get(var).expect("a gradient");
                gradient.flatten_all()?.to_vec1::<f32>()
            };
            Ok((state.flatten_all()?.to_vec1::<f32>()?, of(&inputs)?, of(&weights)?))
        };
        let whole: Result<_> = run(last_state);
        let (whole, graph) = (whole.expect("computes"), run(step_by_step).expect("computes"));
        let check = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            let furthest = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let largest = b.iter().map(|value| value.abs()).fold(0.0, f32::max);
            assert!(furthest < 0.02 * largest, "{furthest} of {largest}");
        };
        check(&whole.0, &graph.0);
        check(&whole.1, &graph.1);
        check(&whole.2, &graph.2);
    }

    #[test]
    fn the_tangent_is_near_enough() {
        let furthest = (-900..900)
            .map(|i| i as f32 / 100.0)
            .map(|x| (tanh(x) - x.tanh()).abs())
            .fold(0.0, f32::max);
        assert!(furthest < 2e-4, "{furthest}");
    }
}
