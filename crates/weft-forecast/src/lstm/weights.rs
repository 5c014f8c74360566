//! Weights as bytes in the safetensors format: named tensors of 32-bit floats, and one of integers that says what they are
//! for. What is read is checked whole: a network of another form must not be taken for this one.

use candle_core::{DType, Device, Tensor};
use weft_core::forecast::ModelName;

use super::network::{NAMES, Network, Size};
use super::{FittedLstm, device, failed};
use crate::boosted::features::Shape;
use crate::model::ModelError;

/// The tensor of integers: version, season, horizon, hidden units, width, clusters, events.
const FORM: &str = "form";
/// To be raised when the columns or the layers change.
const VERSION: u32 = 1;

impl FittedLstm {
    /// The weights as the contents of a safetensors file; the same weights always give the same bytes. Errs where an
    /// accelerator does not give them back.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ModelError> {
        let named = NAMES.iter().copied().zip(self.network.weights.iter().cloned());
        let form = Tensor::new(&self.form(), &Device::Cpu).map_err(failed)?;
        safetensors::serialize(named.chain([(FORM, form)]), None)
            .map_err(|error| failed(error.into()))
    }

    /// What [`Self::to_safetensors`] gave. Errs on anything else.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, ModelError> {
        let refused = |found: String| ModelError::Setting {
            model: ModelName::Lstm,
            expected: "weights in safetensors as this version writes them",
            found,
        };
        let tensors = candle_core::safetensors::load_buffer(bytes, &device())
            .map_err(|error| refused(error.to_string()))?;
        let form = tensors.get(FORM).and_then(|form| form.to_vec1::<u32>().ok());
        let Some([VERSION, season, horizon, hidden, width, clusters, events]) = form.as_deref()
        else {
            return Err(refused(format!("the form {form:?}")));
        };
        let [season, horizon, hidden, width, clusters, events] =
            [season, horizon, hidden, width, clusters, events].map(|number| *number as usize);
        // Larger numbers come from no network of ours, and sums of them must not overflow.
        if [season, horizon, hidden, width, clusters, events].iter().any(|number| *number > MOST) {
            return Err(refused(format!("the form {form:?}")));
        }
        let size = Size { hidden, width, clusters, events };
        let weights = NAMES.iter().zip(size.shapes()).map(|(name, shape)| {
            let tensor = tensors.get(*name).ok_or_else(|| refused(format!("no {name}")))?;
            let is_right = tensor.dtype() == DType::F32 && tensor.dims() == [shape.0, shape.1];
            let found = || refused(format!("{name} of {:?} {:?}", tensor.dtype(), tensor.dims()));
            is_right.then(|| tensor.clone()).ok_or_else(found)
        });
        let weights = weights.collect::<Result<_, _>>()?;
        let shape = Shape { season, week: 7 * season, horizon };
        Ok(Self { shape, network: Network { size, weights } })
    }

    fn form(&self) -> [u32; 7] {
        let (shape, size) = (self.shape, self.network.size);
        let numbers =
            [shape.season, shape.horizon, size.hidden, size.width, size.clusters, size.events];
        let mut form = [VERSION; 7];
        form[1..].iter_mut().zip(numbers).for_each(|(to, number)| *to = number as u32);
        form
    }
}

/// The largest number in a form that is believed.
const MOST: usize = 1 << 24;
