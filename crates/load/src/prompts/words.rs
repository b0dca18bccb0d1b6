//! Words of synthetic prompts for servers whose tokenizer is not at hand. Each is one token, with and without a space before it, to the
//! tokenizers of Llama 3 and Qwen 2.5; nothing rests on that, since such prompts are measured by the server's usage.

/// The words, all different.
pub const WORDS: [&str; 512] = [
    "count", "open", "next", "follow", "path", "each", "support", "sign", "system", "best", "same", "made", "mark", "group", "world",
    "process", "main", "color", "report", "take", "free", "action", "index", "real", "build", "message", "between", "table", "head",
    "order", "product", "double", "place", "week", "program", "without", "still", "field", "team", "second", "going", "range", "fact",
    "home", "left", "direct", "page", "around", "really", "image", "target", "both", "level", "local", "content", "quest", "great",
    "month", "title", "context", "life", "catch", "change", "book", "version", "three", "base", "against", "power", "width", "label",
    "project", "success", "date", "match", "node", "another", "care", "effect", "service", "since", "full", "turn", "body", "stand",
    "block", "keep", "throw", "things", "control", "come", "custom", "source", "output", "might", "never", "hard", "called", "options",
    "height", "small", "access", "little", "port", "status", "update", "link", "given", "better", "feel", "always", "parent", "less",
    "account", "valid", "sure", "site", "values", "video", "cell", "player", "cost", "total", "stat", "load", "clear", "short", "company",
    "done", "days", "initial", "reason", "within", "design", "include", "stop", "later", "client", "love", "able", "give", "copy",
    "either", "lead", "family", "option", "offer", "water", "step", "display", "times", "four", "present", "room", "once", "results",
    "talk", "grow", "mean", "until", "market", "area", "length", "kind", "light", "side", "example", "camp", "based", "plan", "away",
    "button", "near", "country", "author", "along", "express", "begin", "thing", "single", "rights", "women", "season", "dest", "command",
    "recent", "money", "auto", "working", "query", "window", "least", "column", "record", "making", "close", "percent", "past", "write",
    "move", "special", "city", "tell", "select", "font", "course", "late", "amount", "looking", "hold", "price", "today", "story", "meet",
    "sort", "thought", "task", "review", "switch", "above", "word", "provide", "cover", "whether", "having", "large", "created", "host",
    "problem", "press", "though", "points", "ever", "million", "files", "often", "info", "space", "store", "format", "details", "face",
    "save", "items", "social", "major", "food", "members", "comb", "makes", "global", "contact", "except", "news", "device", "below",
    "media", "black", "added", "came", "card", "root", "handle", "getting", "enter", "night", "pick", "watch", "human", "girl", "strong",
    "house", "track", "pack", "section", "wait", "terms", "apply", "session", "others", "fund", "subject", "history", "future", "started",
    "mode", "took", "games", "needs", "known", "seen", "border", "live", "hope", "young", "website", "study", "network", "limit", "fire",
    "visit", "token", "months", "learn", "mind", "quick", "comment", "series", "bill", "frame", "draw", "comes", "filter", "remove",
    "front", "virtual", "hours", "models", "early", "center", "easy", "buffer", "white", "period", "screen", "common", "suggest", "accept",
    "random", "players", "among", "answer", "walk", "five", "friend", "clean", "words", "header", "issue", "land", "stream", "quality",
    "works", "half", "simple", "empty", "cook", "running", "someone", "share", "entry", "changes", "events", "whole", "needed", "likely",
    "writing", "rate", "correct", "fall", "similar", "taken", "moment", "bring", "trying", "member", "board", "push", "edit", "defined",
    "thread", "instead", "idea", "film", "phone", "active", "article", "almost", "sell", "connect", "feature", "general", "party",
    "normal", "music", "speed", "taking", "forward", "lower", "perfect", "heart", "rather", "however", "inside", "graph", "round",
    "friends", "energy", "raise", "policy", "third", "release", "outside", "ground", "unique", "tree", "byte", "ball", "fast", "memory",
    "extra", "unit", "coming", "blog", "menu", "names", "actual", "fields", "cases", "higher", "respect", "numbers", "sound", "alert",
    "lines", "soon", "join", "fill", "choose", "office", "flag", "note", "upon", "groups", "risk", "focus", "align", "reading", "notice",
    "states", "cross", "written", "images", "pattern", "tool", "feed", "popular", "methods", "allowed", "impact", "train", "related",
    "score", "student", "average", "court", "parts", "song", "channel", "finally", "plus", "profile", "ready", "sense", "latest", "region",
    "deep", "reach", "counter", "weeks", "paper", "staff", "stock", "rules", "stack", "playing", "bottom", "road", "insert", "machine",
    "areas", "movie", "license", "ability", "choice", "legal", "regular", "goal", "built", "worth", "natural", "storage", "travel",
    "passed", "grid", "login", "looks", "rule", "seek", "systems", "grad", "usually", "door", "plant", "protect", "route", "primary",
    "leaders", "bank", "sample", "hands", "shape",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::WORDS;

    #[test]
    fn no_word_stands_twice() {
        assert_eq!(WORDS.iter().collect::<BTreeSet<_>>().len(), WORDS.len());
    }
}
