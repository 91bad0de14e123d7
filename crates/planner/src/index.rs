//! Index types, one for each kind of item, and tables that only the right type indexes.
//!
//! Code that indexes a table of hosts by anything but a host does not compile.

use std::marker::PhantomData;
use std::ops;

/// An index of an item of one kind, counted from 0.
pub trait Index: Copy + Ord {
    /// Returns the index with a number.
    fn nth(number: usize) -> Self;

    /// Returns the number of the index: how many indices come before it.
    fn number(self) -> usize;

    /// Returns the first `count` indices, ascending.
    #[inline]
    fn first(count: usize) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (0..count).map(Self::nth)
    }
}

impl Index for usize {
    #[inline]
    fn nth(number: usize) -> Self {
        number
    }

    #[inline]
    fn number(self) -> usize {
        self
    }
}

/// Declares index types. Each is as small as the largest instances allow.
macro_rules! indices {
    ($($(#[$doc:meta])* $Name:ident,)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $Name(u32);

            impl Index for $Name {
                #[inline]
                fn nth(number: usize) -> Self {
                    debug_assert!(u32::try_from(number).is_ok(), "more than there are numbers for");
                    Self(number as u32)
                }

                #[inline]
                fn number(self) -> usize {
                    self.0 as usize
                }
            }
        )*
    };
}

indices! {
    /// A host: a node that may host stages. The index is its place among the hosts of an instance,
    /// not in the inventory.
    Host,
    /// A group of hosts that are alike, by its place among the groups of an instance. The common
    /// properties are in [`Group`](crate::instance::Group).
    GroupIndex,
    /// A block of layers that no cut divides, by its place among the blocks of an instance.
    Block,
    /// A cut that is considered, by its place among the cuts of an instance, from the cut before
    /// the first stage to the whole model. Not to be confused with a node's
    /// [position](crate::domain::cluster::Position) in metres.
    Position,
}

impl Host {
    /// Stands for no host.
    pub const NOWHERE: Self = Self(u32::MAX);
}

/// Along a chain, each block lies between a position and the next one.
impl Block {
    /// Returns the block that begins at a position.
    #[inline]
    pub fn starting_at(start: Position) -> Self {
        Self(start.0)
    }

    /// Returns the block that ends at a position.
    #[inline]
    pub fn ending_at(end: Position) -> Self {
        Self(end.0 - 1)
    }

    /// Returns the blocks between two positions, ascending.
    #[inline]
    pub fn between(start: Position, end: Position) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (start.0..end.0).map(Self)
    }

    /// Returns the position at which the block begins.
    #[inline]
    pub fn start(self) -> Position {
        Position(self.0)
    }

    /// Returns the position at which the block ends.
    #[inline]
    pub fn end(self) -> Position {
        Position(self.0 + 1)
    }
}

impl Position {
    /// The cut before the first stage.
    pub const FIRST: Self = Self(0);

    /// Returns the position half way to a later one, rounded down.
    #[inline]
    pub fn middle(self, later: Self) -> Self {
        Self(self.0 + (later.0 - self.0) / 2)
    }

    /// Returns the positions from this one to `end`, which is excluded.
    #[inline]
    pub fn until(self, end: Self) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (self.0..end.0).map(Self)
    }

    /// Returns the positions from this one to `last`, which is included.
    #[inline]
    pub fn through(self, last: Self) -> impl DoubleEndedIterator<Item = Self> + Clone {
        self.until(last + 1)
    }
}

impl ops::Add<usize> for Position {
    type Output = Self;

    #[inline]
    fn add(self, more: usize) -> Self {
        Self(self.0 + more as u32)
    }
}

impl ops::Sub<usize> for Position {
    type Output = Self;

    #[inline]
    fn sub(self, fewer: usize) -> Self {
        Self(self.0 - fewer as u32)
    }
}

impl ops::AddAssign<usize> for Position {
    #[inline]
    fn add_assign(&mut self, more: usize) {
        *self = *self + more;
    }
}

/// A list with one item for each index of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexVec<I, T> {
    items: Vec<T>,
    index: PhantomData<I>,
}

impl<I: Index, T> IndexVec<I, T> {
    /// Returns a list with `count` copies of an item.
    pub fn filled(item: T, count: usize) -> Self
    where
        T: Clone,
    {
        vec![item; count].into()
    }

    /// Returns the number of items.
    #[inline]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns `true` if the list has no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the indices of the list, ascending.
    #[inline]
    pub fn indices(&self) -> impl DoubleEndedIterator<Item = I> + Clone + use<I, T> {
        I::first(self.items.len())
    }

    /// Returns an iterator over the items.
    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Returns an iterator over the items that allows changing them.
    #[inline]
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// Returns an iterator over the items with their indices.
    #[inline]
    pub fn iter_indexed(&self) -> impl DoubleEndedIterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(number, item)| (I::nth(number), item))
    }
}

impl<I: Index, T> ops::Index<I> for IndexVec<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, index: I) -> &T {
        &self.items[index.number()]
    }
}

impl<I: Index, T> ops::IndexMut<I> for IndexVec<I, T> {
    #[inline]
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.items[index.number()]
    }
}

impl<I, T> From<Vec<T>> for IndexVec<I, T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, index: PhantomData }
    }
}

impl<I, T> FromIterator<T> for IndexVec<I, T> {
    fn from_iter<S: IntoIterator<Item = T>>(items: S) -> Self {
        items.into_iter().collect::<Vec<T>>().into()
    }
}

impl<'v, I, T> IntoIterator for &'v IndexVec<I, T> {
    type Item = &'v T;
    type IntoIter = std::slice::Iter<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// A table of rows and columns, with one cell for each pair of their indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid<R, C, T> {
    columns: usize,
    cells: Vec<T>,
    indices: PhantomData<(R, C)>,
}

/// A row of a [`Grid`].
#[derive(Debug)]
pub struct Row<'g, C, T> {
    cells: &'g [T],
    column: PhantomData<C>,
}

/// A row of a [`Grid`] that allows changing its cells.
#[derive(Debug)]
pub struct RowMut<'g, C, T> {
    cells: &'g mut [T],
    column: PhantomData<C>,
}

impl<R: Index, C: Index, T> Grid<R, C, T> {
    /// Returns a table in which all cells are the same.
    pub fn filled(cell: T, rows: usize, columns: usize) -> Self
    where
        T: Clone,
    {
        Self::of_cells(vec![cell; rows * columns], columns)
    }

    /// Returns a table of cells that are given row by row.
    pub fn of_cells(cells: Vec<T>, columns: usize) -> Self {
        Self { columns, cells, indices: PhantomData }
    }

    #[inline]
    fn place(&self, row: R, column: C) -> usize {
        debug_assert!(column.number() < self.columns, "the cell of another row");
        row.number() * self.columns + column.number()
    }

    /// Returns the number of columns.
    #[inline]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the cells, row by row.
    #[inline]
    pub fn cells(&self) -> &[T] {
        &self.cells
    }

    /// Returns a row.
    #[inline]
    pub fn row(&self, row: R) -> Row<'_, C, T> {
        let first = row.number() * self.columns;
        Row { cells: &self.cells[first..first + self.columns], column: PhantomData }
    }

    /// Replaces the cells of a row. `cells` has one cell for each column.
    pub fn set_row(&mut self, row: R, cells: IndexVec<C, T>) {
        self.row_mut(row).cells.iter_mut().zip(cells.items).for_each(|(cell, new)| *cell = new);
    }

    /// Returns a row that allows changing its cells.
    #[inline]
    pub fn row_mut(&mut self, row: R) -> RowMut<'_, C, T> {
        let first = row.number() * self.columns;
        RowMut { cells: &mut self.cells[first..first + self.columns], column: PhantomData }
    }
}

impl<R: Index, C: Index, T> ops::Index<(R, C)> for Grid<R, C, T> {
    type Output = T;

    #[inline]
    fn index(&self, (row, column): (R, C)) -> &T {
        &self.cells[self.place(row, column)]
    }
}

impl<R: Index, C: Index, T> ops::IndexMut<(R, C)> for Grid<R, C, T> {
    #[inline]
    fn index_mut(&mut self, (row, column): (R, C)) -> &mut T {
        let place = self.place(row, column);
        &mut self.cells[place]
    }
}

impl<'g, C: Index, T> Row<'g, C, T> {
    /// Returns an iterator over the cells.
    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'g, T> {
        self.cells.iter()
    }

    /// Returns an iterator over the cells with their columns.
    #[inline]
    pub fn iter_indexed(&self) -> impl DoubleEndedIterator<Item = (C, &'g T)> + use<'g, C, T> {
        self.cells.iter().enumerate().map(|(number, cell)| (C::nth(number), cell))
    }
}

impl<C, T> Clone for Row<'_, C, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, T> Copy for Row<'_, C, T> {}

impl<C: Index, T> ops::Index<C> for Row<'_, C, T> {
    type Output = T;

    #[inline]
    fn index(&self, column: C) -> &T {
        &self.cells[column.number()]
    }
}

impl<C: Index, T> RowMut<'_, C, T> {
    /// Returns an iterator over the cells that allows changing them.
    #[inline]
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.cells.iter_mut()
    }
}

impl<C: Index, T> ops::Index<C> for RowMut<'_, C, T> {
    type Output = T;

    #[inline]
    fn index(&self, column: C) -> &T {
        &self.cells[column.number()]
    }
}

impl<C: Index, T> ops::IndexMut<C> for RowMut<'_, C, T> {
    #[inline]
    fn index_mut(&mut self, column: C) -> &mut T {
        &mut self.cells[column.number()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_row_and_column() {
        let mut grid: Grid<Host, Position, usize> = Grid::of_cells((0..6).collect(), 3);
        let (host, end) = (Host::nth(1), Position::nth(2));
        assert_eq!((grid[(host, end)], grid.row(host)[end], grid.row(host).iter().count()), (5, 5, 3));
        grid.row_mut(host)[end] += 10;
        grid[(host, Position::FIRST)] += 20;
        assert_eq!(grid.cells(), [0, 1, 2, 23, 4, 15]);
        grid.set_row(Host::nth(0), IndexVec::filled(7, 3));
        let of_row: Vec<(Position, &usize)> = grid.row(Host::nth(0)).iter_indexed().collect();
        assert_eq!(of_row, [0, 1, 2].map(|column| (Position::nth(column), &7)));
    }

    #[test]
    fn blocks_lie_between_positions() {
        let (start, end) = (Position::nth(2), Position::nth(5));
        let blocks: Vec<Block> = Block::between(start, end).collect();
        assert_eq!(blocks.iter().map(|block| block.start()).collect::<Vec<_>>(), start.until(end).collect::<Vec<_>>());
        let ends = blocks.iter().map(|block| block.end());
        assert_eq!(ends.collect::<Vec<_>>(), (start + 1).through(end).collect::<Vec<_>>());
        assert_eq!((blocks[0], blocks[2]), (Block::starting_at(start), Block::ending_at(end)));
        assert_eq!((start.middle(end), start.until(start).count()), (Position::nth(3), 0));
    }
}
