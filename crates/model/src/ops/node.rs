//! A graph node whose value is already computed: candle's autograd calls a closure for its backward.

use std::sync::Mutex;

use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, InplaceOp1, Layout, Result, Shape, Storage, Tensor, backend::BackendStorage,
};

/// From the node's result and its gradient to the gradients of the `N` inputs (`None` where an input is frozen).
pub(crate) type Backward<const N: usize> = Box<dyn Fn(&Tensor, &Tensor) -> Result<[Option<Tensor>; N]> + Send + Sync>;

/// One input: see [`Node`]. `value` must be fresh: its storage is moved into the graph, not copied.
pub(crate) fn node1(name: &'static str, x: &Tensor, value: Tensor, backward: Backward<1>) -> Result<Tensor> {
    x.apply_op1(Node::new(name, value, backward)?)
}

/// Two inputs: see [`node1`].
pub(crate) fn node2(name: &'static str, inputs: [&Tensor; 2], value: Tensor, backward: Backward<2>) -> Result<Tensor> {
    inputs[0].apply_op2(inputs[1], Node::new(name, value, backward)?)
}

/// Three inputs: see [`node1`].
pub(crate) fn node3(name: &'static str, inputs: [&Tensor; 3], value: Tensor, backward: Backward<3>) -> Result<Tensor> {
    inputs[0].apply_op3(inputs[1], inputs[2], Node::new(name, value, backward)?)
}

/// A node of `N` inputs with a ready value and a closure as its backward.
struct Node<const N: usize> {
    name: &'static str,
    shape: Shape,
    value: Mutex<Value>,
    backward: Backward<N>,
}

/// The value until candle asks for it. On the CPU its storage is moved out; elsewhere it is copied once.
enum Value {
    Cpu(CpuStorage),
    Device(Tensor),
    Taken,
}

impl<const N: usize> Node<N> {
    fn new(name: &'static str, value: Tensor, backward: Backward<N>) -> Result<Self> {
        let value = if value.is_contiguous() { value } else { value.contiguous()? };
        let shape = value.shape().clone();
        let value = if value.device().is_cpu() { Value::Cpu(take_storage(&value)?) } else { Value::Device(value) };
        Ok(Self { name, shape, value: Mutex::new(value), backward })
    }

    fn take(&self) -> Value {
        let mut value = self.value.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::replace(&mut value, Value::Taken)
    }

    fn cpu(&self) -> Result<(CpuStorage, Shape)> {
        match self.take() {
            Value::Cpu(storage) => Ok((storage, self.shape.clone())),
            _ => candle_core::bail!("{}: the value is not on the cpu or was taken already", self.name),
        }
    }

    fn cuda(&self) -> Result<(CudaStorage, Shape)> {
        let Value::Device(value) = self.take() else {
            candle_core::bail!("{}: the value is not on the device or was taken already", self.name)
        };
        let (storage, layout) = value.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => Ok((storage.try_clone(layout)?, self.shape.clone())),
            _ => candle_core::bail!("{}: the value is not on the cuda device", self.name),
        }
    }
}

/// Moves the storage out of a tensor that nobody else holds.
fn take_storage(value: &Tensor) -> Result<CpuStorage> {
    struct Take(Mutex<Option<CpuStorage>>);
    impl InplaceOp1 for Take {
        fn name(&self) -> &'static str {
            "take"
        }
        fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
            if layout.start_offset() != 0 || storage.as_slice_len() != layout.shape().elem_count() {
                candle_core::bail!("the value of a node must own the whole of its storage");
            }
            *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                Some(std::mem::replace(storage, CpuStorage::U8(Vec::new())));
            Ok(())
        }
    }
    let take = Take(Mutex::new(None));
    value.inplace_op1(&take)?;
    let storage = take.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    storage.ok_or_else(|| candle_core::Error::Msg("the value of a node was not taken".to_owned()).bt())
}

/// Number of elements of a CPU storage of a float type.
trait SliceLen {
    fn as_slice_len(&self) -> usize;
}

impl SliceLen for CpuStorage {
    fn as_slice_len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F16(v) => v.len(),
            Self::BF16(v) => v.len(),
            Self::F64(v) => v.len(),
            _ => 0,
        }
    }
}

impl CustomOp1 for Node<1> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.cpu()
    }
    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.cuda()
    }
    fn bwd(&self, _: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let [x] = (self.backward)(result, gradient)?;
        Ok(x)
    }
}

impl CustomOp2 for Node<2> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.cpu()
    }
    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.cuda()
    }
    fn bwd(&self, _: &Tensor, _: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [a, b] = (self.backward)(result, gradient)?;
        Ok((a, b))
    }
}

/// The gradients of three inputs, as candle wants them.
type Three = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

impl CustomOp3 for Node<3> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.cpu()
    }
    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.cuda()
    }
    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Three> {
        let [a, b, c] = (self.backward)(result, gradient)?;
        Ok((a, b, c))
    }
}
