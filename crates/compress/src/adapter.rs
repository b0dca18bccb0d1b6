//! An adapter as updates of named weights, checked against the model that they are to be added to.

use std::collections::BTreeMap;
use std::path::Path;

use adapt::peft::Update;
use model::tensor::{DType, Device, Tensor};

use crate::base::Base;
use crate::{Error, Result};

/// The update of one weight: `scale · b · a`.
pub(crate) struct Delta {
    /// `[r, k]`.
    pub(crate) a: Tensor,
    /// `[n, r]`.
    pub(crate) b: Tensor,
    pub(crate) scale: f64,
}

impl Delta {
    /// The weight with its update, in f32.
    pub(crate) fn added_to(&self, weight: &Tensor) -> model::Result<Tensor> {
        let wide = |tensor: &Tensor| tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32);
        let update = (wide(&self.b)?.matmul(&wide(&self.a)?)? * self.scale)?;
        Ok((wide(weight)? + update)?)
    }
}

/// Reads an adapter folder: updates by the name of the weight they belong to, each of which the model has in that shape.
pub(crate) fn read(folder: &Path, base: &Base) -> Result<BTreeMap<String, Delta>> {
    let adapter = adapt::peft::read(folder)?;
    let scale = adapter.scale();
    let mut deltas = BTreeMap::new();
    for Update { name, a, b } in adapter.modules {
        let weight = format!("{name}.weight");
        let misfit = |reason: String| Error::Misfit { adapter: folder.to_owned(), module: name.clone(), reason };
        let shape = base.shape(&weight).ok_or_else(|| misfit("the model has no such weight".to_owned()))?;
        if [b.dims()[0], a.dims()[1]] != *shape {
            return Err(misfit(format!("{:?} times {:?} is no update of a weight of {shape:?}", b.dims(), a.dims())));
        }
        deltas.insert(weight, Delta { a, b, scale });
    }
    Ok(deltas)
}
