//! What things cost: prices, energy money, break-even.
