//! Which device the tensors live on: the only file with `cfg(feature)` for devices. Today that is the CPU.

use candle_core::{DType, Device};

/// The device models run on in this build.
pub fn best() -> Device {
    Device::Cpu
}

/// A word for the device, for records and logs: `cpu`, `cuda:0`.
pub fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

/// Number format of activations, the KV cache and every sum.
///
/// The CPU has no native f16 or bf16 arithmetic in candle, so weights of 16 bits are widened inside the products, which is exact.
pub(crate) fn arithmetic(_device: &Device) -> DType {
    DType::F32
}
