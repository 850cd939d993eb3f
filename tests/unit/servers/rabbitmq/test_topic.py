"""Topic patterns against their definition."""

from random import Random

from umt_sim.servers.rabbitmq.core.topic import TopicTrie


def defined(pattern: str, key: str) -> bool:
    """What a pattern means, word by word, tried out."""
    words, wanted = key.split(".") if key else [], pattern.split(".") if pattern else []

    def rest(at: int, word: int) -> bool:
        if at == len(wanted):
            return word == len(words)
        if wanted[at] == "#":
            return any(rest(at + 1, skipped) for skipped in range(word, len(words) + 1))
        fits = word < len(words) and wanted[at] in ("*", words[word])
        return fits and rest(at + 1, word + 1)

    return rest(0, 0)


def test_trie_agrees_with_the_definition() -> None:
    """Random patterns and keys of few words, all against each other."""
    stream = Random(1)
    patterns = [".".join(stream.choices("ab*#", k=stream.randrange(1, 6))) for _ in range(150)]
    keys = [".".join(stream.choices("abc", k=stream.randrange(1, 6))) for _ in range(150)]
    trie: TopicTrie[str] = TopicTrie()
    for pattern in dict.fromkeys(patterns):
        trie.add(pattern, pattern)
    for key in keys:
        expected = sorted(p for p in dict.fromkeys(patterns) if defined(p, key))
        assert expected == sorted(trie.match(key))


def test_removed_patterns_leave_nothing() -> None:
    """What was added and removed matches no more, and its branches are gone."""
    trie: TopicTrie[int] = TopicTrie()
    patterns = ["a.b", "a.*.#", "#", "a", "a.b.c"]
    for number, pattern in enumerate(patterns):
        trie.add(pattern, number)
    for number, pattern in enumerate(patterns):
        trie.remove(pattern, number)
    assert trie.match("a.b") == []
    assert trie._root.children == {}


def test_many_hashes_do_not_explode() -> None:
    """A pattern of many hashes is matched in one pass over places, not over all ways."""
    trie: TopicTrie[int] = TopicTrie()
    trie.add(".".join(["#", "a"] * 60), 1)
    assert trie.match(".".join(["b"] * 120)) == []
