//! Which device the tensors live on: the only file with `cfg(feature)` for devices. Today that is the CPU.

use candle_core::{DType, Device};

use crate::{Error, Result};

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

/// Asks the allocator for `bytes` and gives them back: an absurd size is an error here, where it would end the process later.
pub(crate) fn check_room(what: &'static str, bytes: u128) -> Result<()> {
    let fits = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if fits { Ok(()) } else { Err(Error::NoRoom { what, bytes }) }
}

#[cfg(test)]
mod tests {
    use super::check_room;

    #[test]
    fn absurd_sizes_are_errors() {
        check_room("weights", 1 << 20).unwrap();
        assert_eq!(check_room("weights", 1 << 70).unwrap_err().to_string(), "no memory for weights of 1180591620717411303424 bytes");
        assert!(check_room("weights", u128::from(u64::MAX)).is_err());
    }
}
