//! All ways to count hosts of each class, as numbers.

use super::classes::Class;

/// Counts of hosts by class in a mixed radix. Adding hosts makes the number larger.
#[derive(Debug, Clone)]
pub struct Counts {
    sizes: Vec<usize>,
    strides: Vec<usize>,
    all: usize,
}

impl Counts {
    /// Returns the numbers for classes of certain sizes. Returns `None` if there are more than `most`.
    pub fn new(sizes: &[usize], most: usize) -> Option<Self> {
        let mut strides = Vec::with_capacity(sizes.len());
        let mut all = 1_usize;
        for size in sizes {
            strides.push(all);
            all = all.checked_mul(size + 1).filter(|&all| all <= most)?;
        }
        Some(Self { sizes: sizes.to_vec(), strides, all })
    }

    /// Returns how many numbers there are.
    pub fn len(&self) -> usize {
        self.all
    }

    /// Returns the count of a class.
    pub fn of(&self, number: usize, class: Class) -> usize {
        number / self.strides[class] % (self.sizes[class] + 1)
    }

    /// Returns the number with one host more of a class, or `None` if the class has no more.
    pub fn with(&self, number: usize, class: Class) -> Option<usize> {
        (self.of(number, class) < self.sizes[class]).then(|| number + self.strides[class])
    }

    /// Returns the number of some counts.
    pub fn number(&self, uses: &[(Class, usize)]) -> usize {
        uses.iter().map(|&(class, count)| count * self.strides[class]).sum()
    }

    /// Returns the lowest class of which a number counts a host.
    pub fn lowest(&self, number: usize) -> Option<Class> {
        (0..self.sizes.len()).find(|&class| self.of(number, class) > 0)
    }

    /// Returns the number with one host fewer of a class.
    pub fn without(&self, number: usize, class: Class) -> usize {
        number - self.strides[class]
    }

    /// Returns the number of hosts that a number counts.
    pub fn hosts(&self, number: usize) -> usize {
        (0..self.sizes.len()).map(|class| self.of(number, class)).sum()
    }

    /// Returns `true` if a number counts at least these hosts.
    pub fn holds(&self, number: usize, uses: &[(Class, usize)]) -> bool {
        uses.iter().all(|&(class, count)| count <= self.of(number, class))
    }
}
