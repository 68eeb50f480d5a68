//! What the tree promises about itself, for tests.

use super::*;

impl Tree {
    pub(in super::super) fn leaves(&self) -> usize {
        self.sizes.leaves
    }

    /// Everything that the file's head promises.
    pub(in super::super) fn check(&self, arena: &Arena) {
        let mut sizes = Sizes::default();
        let mut keys = Vec::new();
        check(&self.root, arena, &mut sizes, &mut keys);
        assert_eq!(keys.len(), self.len);
        assert!(keys.is_sorted_by(|a, b| compare(*a, *b) == Ordering::Less));
        let Sizes { leaves, inners } = self.sizes;
        assert_eq!((leaves, inners), (sizes.leaves, sizes.inners));
    }
}

/// Checks a node and returns its height.
fn check<'a>(
    node: &Node,
    arena: &'a Arena,
    sizes: &mut Sizes,
    keys: &mut Vec<(f64, &'a [u8])>,
) -> usize {
    assert!(node.len() <= node.len_max());
    match node {
        Node::Leaf(leaf) => {
            sizes.leaves += 1;
            for (score, id) in leaf.scores().iter().zip(leaf.ids()) {
                assert_eq!(score.to_bits(), arena.score(*id).to_bits());
                keys.push((*score, arena.member(*id)));
            }
            0
        }
        Node::Inner(inner) => {
            sizes.inners += 1;
            assert!(inner.children.len() >= 2 && inner.children.len() == inner.firsts.len());
            let heights = inner.children.iter().enumerate().map(|(at, child)| {
                assert!(child.len() > 0);
                assert_eq!(inner.counts[at] as usize, child.count());
                assert_eq!(inner.firsts.ids[at], child.first().1);
                assert_eq!(inner.firsts.scores[at], child.first().0);
                check(child, arena, sizes, keys)
            });
            let heights: Vec<usize> = heights.collect();
            assert!(heights.iter().all(|height| *height == heights[0]));
            heights[0] + 1
        }
    }
}
