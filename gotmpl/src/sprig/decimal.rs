//! Exact decimal arithmetic for `addf`, `subf`, `mulf` and `divf`: 0.1 + 0.2 is 0.3. Quotients have 16 digits after the
//! point, as those of the decimal library that sprig uses.

use num_bigint::{BigInt, Sign};

use super::Outcome;
use super::cast::to_float64;
use crate::context::Context;
use crate::function::FuncError;
use crate::value::Value;

/// Which operation is done with one number after the other.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// `mantissa · 10^exponent`.
struct Decimal {
    mantissa: BigInt,
    exponent: i64,
}

const DIGITS_OF_QUOTIENT: i64 = 16;

/// `start`, then each of `values` by `operation`.
pub(super) fn fold(context: &mut Context<'_>, start: f64, values: &[Value], operation: Operation) -> Outcome {
    let mut result = Decimal::new(start)?;
    for value in values {
        let next = Decimal::new(to_float64(value))?;
        // Products grow by the digits of each factor.
        let size = usize::try_from(result.mantissa.bits() / 8).unwrap_or(usize::MAX);
        context.allocate(size)?;
        // To be added, the numbers are written out to the same exponent.
        let apart = result.exponent.abs_diff(next.exponent) / 8;
        context.steps(4 + size as u64 + apart)?;
        result = match operation {
            Operation::Add => result.plus(next),
            Operation::Subtract => result.plus(Decimal {
                mantissa: -next.mantissa,
                ..next
            }),
            Operation::Multiply => Decimal {
                mantissa: result.mantissa * next.mantissa,
                exponent: result.exponent + next.exponent,
            },
            Operation::Divide => result.divided_by(next)?,
        };
    }
    Ok(Value::Float64(result.to_float()))
}

fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(0))
}

impl Decimal {
    /// The shortest decimal that is read as this float.
    fn new(value: f64) -> Result<Decimal, FuncError> {
        if !value.is_finite() {
            return Err(FuncError::Failed("cannot calculate with NaN or infinity"));
        }
        let shown = format!("{value:e}");
        let (digits, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
        let places = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let mantissa = digits.replace('.', "").parse().map_err(|_| FuncError::Signature)?;
        let exponent: i64 = exponent.parse().map_err(|_| FuncError::Signature)?;
        Ok(Decimal {
            mantissa,
            exponent: exponent - i64::try_from(places).unwrap_or(0),
        })
    }

    fn plus(self, other: Decimal) -> Decimal {
        let exponent = self.exponent.min(other.exponent);
        let at = |number: Decimal| number.mantissa * power_of_ten(number.exponent - exponent);
        Decimal {
            exponent,
            mantissa: at(self) + at(other),
        }
    }

    /// Rounded to 16 digits after the point, halves away from zero.
    fn divided_by(self, divisor: Decimal) -> Result<Decimal, FuncError> {
        if divisor.mantissa.sign() == Sign::NoSign {
            return Err(FuncError::Failed("division by zero"));
        }
        let shift = self.exponent - divisor.exponent + DIGITS_OF_QUOTIENT;
        let (numerator, denominator) = if shift < 0 {
            (self.mantissa, divisor.mantissa * power_of_ten(-shift))
        } else {
            (self.mantissa * power_of_ten(shift), divisor.mantissa)
        };
        let mut quotient = &numerator / &denominator;
        let rest = numerator.clone() - &quotient * &denominator;
        if rest.magnitude() * 2u32 >= *denominator.magnitude() {
            let away = if (numerator.sign() == Sign::Minus) == (denominator.sign() == Sign::Minus) {
                1
            } else {
                -1
            };
            quotient += away;
        }
        Ok(Decimal {
            mantissa: quotient,
            exponent: -DIGITS_OF_QUOTIENT,
        })
    }

    /// The nearest float.
    fn to_float(&self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_quotients_are_those_of_the_decimals() {
        let sum = Decimal::new(0.1).unwrap().plus(Decimal::new(0.2).unwrap());
        assert_eq!(sum.to_float(), 0.3);
        let third = Decimal::new(-1.0)
            .unwrap()
            .divided_by(Decimal::new(3.0).unwrap())
            .unwrap();
        assert_eq!(third.to_float(), -0.3333333333333333);
        assert!(Decimal::new(f64::NAN).is_err());
    }
}
