//! Curves made by hand, and what must hold of any.

use proptest::prelude::*;

use super::*;

/// A mean of five runs with a symmetric interval.
fn mean(value: f64, half: f64) -> Estimate {
    Estimate { value, ci95: Some((value - half, value + half)), n: 5, method: Method::T }
}

fn curve(points: &[(f64, f64)], half: f64) -> Vec<Point> {
    points.iter().map(|&(at, value)| Point { at, figure: mean(value, half) }).collect()
}

fn pairs(points: &[(f64, f64)], half: f64) -> Vec<Pair> {
    points.iter().map(|&(x, y)| Pair { x: mean(x, 0.0), y: mean(y, half) }).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn a_crossing_lies_between_its_levels_on_a_log_axis() {
    // Differences 3, 1, -1, -3 at 1, 4, 16, 64: zero halfway between 4 and 16 in ratios, at 8.
    let a = curve(&[(1.0, 13.0), (4.0, 11.0), (16.0, 9.0), (64.0, 7.0)], 0.1);
    let b = curve(&[(1.0, 10.0), (4.0, 10.0), (16.0, 10.0), (64.0, 10.0)], 0.1);
    let found = crossings(&differences(&a, &b).unwrap(), Axis::Log2);
    assert_eq!(found.len(), 1);
    assert!(near(found[0].at, 8.0) && found[0].between == (4.0, 16.0) && found[0].higher_after == Which::Second, "{found:?}");
}

#[test]
fn a_difference_within_its_interval_claims_nothing() {
    let b = curve(&[(1.0, 10.0), (4.0, 10.0), (16.0, 10.0)], 1.0);
    // The interval of a difference of two with half-width 1 reaches 1.41 to either side.
    let a = curve(&[(1.0, 11.3), (4.0, 10.0), (16.0, 8.5)], 1.0);
    let told = differences(&a, &b).unwrap();
    assert_eq!(told.iter().map(Difference::higher).collect::<Vec<_>>(), [None, None, Some(Which::Second)]);
    assert!(crossings(&told, Axis::Log2).is_empty());
    // Unclear at 4 alone: the order changes somewhere between 1 and 16.
    let a = curve(&[(1.0, 12.0), (4.0, 10.5), (16.0, 8.0)], 1.0);
    let found = crossings(&differences(&a, &b).unwrap(), Axis::Log2);
    assert_eq!(found.iter().map(|one| one.between).collect::<Vec<_>>(), [(1.0, 16.0)]);
    // 0.5 at 4 and -2 at 16: a fifth of the way, 4^1.2.
    assert!(near(found[0].at, 4.0_f64.powf(1.2)), "{found:?}");
}

#[test]
fn an_order_that_changes_twice_crosses_twice() {
    let a = curve(&[(1.0, 12.0), (2.0, 8.0), (4.0, 12.0)], 0.5);
    let b = curve(&[(1.0, 10.0), (2.0, 10.0), (4.0, 10.0)], 0.5);
    let found = crossings(&differences(&a, &b).unwrap(), Axis::Linear);
    assert_eq!(found.iter().map(|one| (one.at, one.higher_after)).collect::<Vec<_>>(), [(1.5, Which::Second), (3.0, Which::First)]);
}

#[test]
fn one_run_claims_nothing_and_an_exact_figure_does() {
    let at = |estimate: Estimate| vec![Point { at: 1.0, figure: estimate.clone() }, Point { at: 2.0, figure: estimate }];
    let once = Estimate::single(10.0);
    let within = Estimate { value: 10.0, ci95: Some((9.9, 10.1)), n: 400, method: Method::OrderStatistics };
    let exact = Estimate { value: 10.0, ci95: None, n: 3, method: Method::None };
    let higher = |a: Estimate| differences(&at(a), &at(mean(1.0, 0.1))).unwrap()[0].higher();
    assert_eq!((higher(once), higher(within), higher(exact)), (None, None, Some(Which::First)));
}

#[test]
fn levels_that_one_of_them_lacks_are_left_out() {
    let (a, b) = (curve(&[(1.0, 1.0), (4.0, 1.0), (16.0, 1.0)], 0.1), curve(&[(16.0, 2.0), (1.0, 2.0)], 0.1));
    assert_eq!(differences(&a, &b).unwrap().iter().map(|one| one.at).collect::<Vec<_>>(), [1.0, 16.0]);
    assert_eq!(differences(&a, &b[..1]).unwrap_err().0, "they have fewer than two levels in common");
}

#[test]
fn energy_at_equal_throughput() {
    // A: 10 tokens/s at 5 J, 50 at 1 J, then worse. B: 20 at 3 J, 100 at 2 J.
    let a = pairs(&[(10.0, 5.0), (50.0, 1.0), (45.0, 1.5)], 0.1);
    let b = pairs(&[(20.0, 3.0), (100.0, 2.0)], 0.1);
    let told = at_equal(&a, &b).unwrap();
    assert_eq!(told.iter().map(|one| one.at).collect::<Vec<_>>(), [20.0, 50.0]);
    // At 20: A 4 J, B 3 J. At 50: A 1 J, B 3 - 30/80 J.
    assert!(near(told[0].value, 1.0) && near(told[1].value, 1.0 - 2.625), "{told:?}");
    let found = crossings(&told, Axis::Linear);
    assert!(found.len() == 1 && near(found[0].at, 20.0 + 30.0 / 2.625) && found[0].higher_after == Which::Second, "{found:?}");
}

#[test]
fn what_is_not_known_of_throughput_widens_the_energy() {
    let wide = |half: f64| vec![Pair { x: mean(10.0, half), y: mean(5.0, 0.1) }, Pair { x: mean(50.0, half), y: mean(1.0, 0.1) }];
    let b = pairs(&[(10.0, 3.0), (50.0, 3.0)], 0.1);
    let width = |half| at_equal(&wide(half), &b).unwrap()[0].ci95.map(|(low, high)| high - low).unwrap();
    // The slope is 0.1 J a token/s: 2 tokens/s more or less are 0.2 J, beside 0.1.
    assert!(near(width(0.0), 2.0 * 0.1_f64.hypot(0.1)) && near(width(2.0), 2.0 * 0.3_f64.hypot(0.1)));
}

#[test]
fn throughputs_that_do_not_overlap_are_not_compared() {
    let told = at_equal(&pairs(&[(1.0, 1.0), (2.0, 1.0)], 0.1), &pairs(&[(5.0, 1.0), (9.0, 1.0)], 0.1)).unwrap_err();
    assert!(told.0.starts_with("their ranges do not overlap: 1.0 to 2.0, and 5.0 to 9.0"), "{told}");
    assert!(at_equal(&pairs(&[(1.0, 1.0)], 0.1), &pairs(&[(1.0, 1.0), (9.0, 1.0)], 0.1)).is_err());
}

/// Levels 1, 2, 4, … with two values each.
fn values() -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((1.0..100.0f64, 1.0..100.0f64), 2..8)
}

fn both(values: &[(f64, f64)], half: f64) -> (Vec<Point>, Vec<Point>) {
    let level = |i: usize| f64::from(1_u32 << i);
    let of = |pick: fn(&(f64, f64)) -> f64| values.iter().enumerate().map(|(i, pair)| (level(i), pick(pair))).collect::<Vec<_>>();
    (curve(&of(|pair| pair.0), half), curve(&of(|pair| pair.1), half))
}

proptest! {
    #[test]
    fn a_crossing_is_between_known_points_of_opposite_order(values in values(), half in 0.0..20.0f64) {
        let (a, b) = both(&values, half);
        let told = differences(&a, &b).unwrap();
        for one in crossings(&told, Axis::Log2) {
            prop_assert!(one.between.0 < one.at && one.at < one.between.1, "{:?}", one);
            let order = |at: f64| told.iter().find(|difference| near(difference.at, at)).unwrap().higher().unwrap();
            prop_assert!(order(one.between.0) != order(one.between.1) && order(one.between.1) == one.higher_after);
        }
    }

    #[test]
    fn the_two_can_be_named_in_either_order(values in values(), half in 0.0..20.0f64) {
        let (a, b) = both(&values, half);
        let (one, other) = (crossings(&differences(&a, &b).unwrap(), Axis::Log2), crossings(&differences(&b, &a).unwrap(), Axis::Log2));
        prop_assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            prop_assert!(one.between == other.between && one.higher_after != other.higher_after && (one.at - other.at).abs() < 1e-6);
        }
    }

    #[test]
    fn a_wider_interval_claims_no_more(values in values(), half in 0.0..20.0f64, more in 0.0..20.0f64) {
        let count = |half| { let (a, b) = both(&values, half); crossings(&differences(&a, &b).unwrap(), Axis::Log2).len() };
        prop_assert!(count(half + more) <= count(half));
    }

    #[test]
    fn a_curve_does_not_cross_itself(values in values(), half in 0.001..20.0f64) {
        let same: Vec<_> = values.iter().map(|pair| (pair.0, pair.0)).collect();
        let (a, b) = both(&same, half);
        prop_assert!(crossings(&differences(&a, &b).unwrap(), Axis::Log2).is_empty());
    }

    #[test]
    fn energy_at_equal_throughput_stays_in_the_common_range(a in values(), b in values(), half in 0.0..1.0f64) {
        let (first, second) = (pairs(&a, half), pairs(&b, half));
        if let Ok(told) = at_equal(&first, &second) {
            prop_assert!(told.len() >= 2 && told.windows(2).all(|pair| pair[0].at < pair[1].at));
            let inside = |pairs: &[Pair], x: f64| pairs.iter().any(|pair| pair.x.value <= x) && pairs.iter().any(|pair| pair.x.value >= x);
            prop_assert!(told.iter().all(|one| inside(&first, one.at) && inside(&second, one.at) && one.value.is_finite()));
        }
    }
}
