//! Councils, schools, thefts, elections.

use crate::corpus::{
    draw::Draw,
    kinds::{Kind, Question},
    words,
};

/// A council votes.
pub(super) const VOTE: Kind = Kind {
    heading: "{town} council",
    slots: &[
        ("town", Draw::Town),
        (
            "thing",
            Draw::Of(&[
                "bus station",
                "car park",
                "cycle path",
                "fountain",
                "hospital",
                "ice rink",
                "library",
                "market hall",
                "playground",
                "swimming pool",
                "tram line",
                "water tower",
            ]),
        ),
        ("weekday", Draw::Weekday),
        ("yes", Draw::Count { from: 15, to: 29, step: 1 }),
        ("no", Draw::Count { from: 3, to: 14, step: 1 }),
        ("cost", Draw::Millions),
        ("mayor", Draw::Person),
        ("opponent", Draw::Person),
        ("street", Draw::Of(words::STREETS)),
    ],
    leads: &[
        "The council of {town} voted on {weekday} to build a {thing}.",
        "On {weekday}, the council of {town} decided to build a {thing}.",
        "{town} will get a {thing}, its council decided on {weekday}.",
    ],
    details: &[
        &["The vote was {yes} to {no}.", "There were {yes} votes for it and {no} against."],
        &["It will cost {cost}.", "The plan needs {cost}."],
        &["The mayor, {mayor}, was pleased.", "{mayor}, the mayor, had fought for it."],
        &["{opponent} voted against it.", "The loudest voice against it was {opponent}."],
        &["It will stand on {street}.", "Work will start on {street}."],
    ],
    brief: "The council of {town} has voted to build a {thing} on {street} for {cost}.",
    retelling: "people sat together on {weekday}, {mayor} was for it and {opponent} was not, and in the end it was {yes} to {no}",
    questions: &[
        Question {
            slot: "town",
            asks: &["Which town's council voted?", "Where did the council vote?"],
            reply: "The council is that of {town}.",
        },
        Question {
            slot: "thing",
            asks: &["What will be built?", "What did the council decide to build?"],
            reply: "The council will build a {thing}.",
        },
        Question {
            slot: "weekday",
            asks: &["On which day was the vote?", "When did the council vote?"],
            reply: "The vote was on {weekday}.",
        },
        Question { slot: "cost", asks: &["How much will it cost?", "What does the plan need?"], reply: "It will cost {cost}." },
        Question { slot: "mayor", asks: &["Who is the mayor?", "Who had fought for the plan?"], reply: "The mayor is {mayor}." },
        Question {
            slot: "opponent",
            asks: &["Who voted against it?", "Who was against the plan?"],
            reply: "The one against it is {opponent}.",
        },
        Question {
            slot: "street",
            asks: &["On which street will it stand?", "Where will work start?"],
            reply: "It will stand on {street}.",
        },
    ],
};

/// A school opens.
pub(super) const SCHOOL: Kind = Kind {
    heading: "{town} school",
    slots: &[
        ("town", Draw::Town),
        ("subject", Draw::Of(&["art", "cooking", "dance", "farming", "film", "music", "science", "sport"])),
        ("date", Draw::Date),
        ("pupils", Draw::Count { from: 60, to: 600, step: 20 }),
        ("head", Draw::Person),
        ("donor", Draw::Person),
        ("cost", Draw::Millions),
        ("builder", Draw::Company),
        ("tree", Draw::Of(&["apple tree", "birch", "cherry tree", "elm", "lime tree", "maple", "oak", "pine"])),
    ],
    leads: &[
        "A {subject} school opened in {town} on {date}.",
        "On {date}, {town} opened its first {subject} school.",
        "The new {subject} school in {town} took in its first pupils on {date}.",
    ],
    details: &[
        &["It has {pupils} pupils.", "There is room for {pupils} pupils."],
        &["The head teacher is {head}.", "{head} is the head teacher."],
        &["{donor} gave the land.", "The land was a gift of {donor}."],
        &["It cost {cost}.", "The town paid {cost}."],
        &["It was built by {builder}.", "{builder} built it in one year."],
        &["The children planted a {tree} in the yard.", "A {tree} was planted on the first day."],
    ],
    brief: "A {subject} school for {pupils} pupils has opened in {town} under {head}.",
    retelling: "there is a new house with many rooms that {builder} put up on the land of {donor}, lessons began on {date}, and a tree was planted",
    questions: &[
        Question {
            slot: "town",
            asks: &["Where is the new school?", "In which town did the school open?"],
            reply: "The new school is in {town}.",
        },
        Question {
            slot: "date",
            asks: &["When did the school open?", "On what day did the first pupils come?"],
            reply: "The school opened on {date}.",
        },
        Question {
            slot: "pupils",
            asks: &["How many pupils does the school have?", "For how many pupils is there room?"],
            reply: "The school has {pupils} pupils.",
        },
        Question { slot: "head", asks: &["Who is the head teacher?", "Who leads the school?"], reply: "The head teacher is {head}." },
        Question { slot: "donor", asks: &["Who gave the land?", "Whose gift was the land?"], reply: "The land was given by {donor}." },
        Question {
            slot: "builder",
            asks: &["Who built the school?", "Which company built the school?"],
            reply: "The school was built by {builder}.",
        },
        Question {
            slot: "tree",
            asks: &["Which tree was planted?", "What did the children plant?"],
            reply: "The children planted a {tree}.",
        },
    ],
};

/// Something is stolen.
pub(super) const THEFT: Kind = Kind {
    heading: "{town} theft",
    slots: &[
        (
            "thing",
            Draw::Of(&[
                "crown",
                "diamond",
                "golden bell",
                "golden cup",
                "map",
                "old clock",
                "sculpture",
                "silver spoon",
                "sword",
                "violin",
            ]),
        ),
        ("place", Draw::Of(&["bank", "castle", "church", "hotel", "museum", "palace", "theatre", "town hall"])),
        ("town", Draw::Town),
        ("weekday", Draw::Weekday),
        ("value", Draw::Millions),
        ("officer", Draw::Person),
        ("guard", Draw::Person),
        ("vehicle", Draw::Of(&["a black van", "a boat", "a green car", "a motorbike", "a red truck", "a taxi", "a white van"])),
        ("reward", Draw::Count { from: 5, to: 60, step: 5 }),
    ],
    leads: &[
        "A {thing} was stolen from the {place} in {town} on {weekday}.",
        "On {weekday}, thieves took a {thing} from the {place} in {town}.",
        "Thieves broke into the {place} in {town} on {weekday} and took a {thing}.",
    ],
    details: &[
        &["It is worth {value}.", "Its value is put at {value}."],
        &["{officer} leads the search.", "The police officer in charge is {officer}."],
        &["The guard, {guard}, heard nothing.", "{guard}, the guard, was asleep."],
        &["The thieves got away in {vehicle}.", "People saw {vehicle} drive off."],
        &["There is a reward of {reward} thousand dollars.", "Whoever finds it gets {reward} thousand dollars."],
    ],
    brief: "Thieves have stolen a {thing} worth {value} from the {place} in {town}.",
    retelling: "something went missing on {weekday}, {guard} did not notice, {officer} is now at work on it, and {vehicle} was seen",
    questions: &[
        Question { slot: "thing", asks: &["What was stolen?", "What did the thieves take?"], reply: "The thieves took a {thing}." },
        Question {
            slot: "place",
            asks: &["From which building was it stolen?", "Where did the thieves break in?"],
            reply: "It was stolen from the {place}.",
        },
        Question {
            slot: "town",
            asks: &["In which town was the theft?", "Which town did the thieves come to?"],
            reply: "The theft was in {town}.",
        },
        Question { slot: "value", asks: &["How much is it worth?", "What is its value?"], reply: "It is worth {value}." },
        Question {
            slot: "officer",
            asks: &["Who leads the search?", "Which police officer is in charge?"],
            reply: "The search is led by {officer}.",
        },
        Question { slot: "guard", asks: &["Who was the guard?", "Who did not hear the thieves?"], reply: "The guard was {guard}." },
        Question {
            slot: "vehicle",
            asks: &["How did the thieves get away?", "What did people see drive off?"],
            reply: "The thieves got away in {vehicle}.",
        },
    ],
};

/// An election.
pub(super) const ELECTION: Kind = Kind {
    heading: "{town} election",
    slots: &[
        ("town", Draw::Town),
        ("winner", Draw::Person),
        ("loser", Draw::Person),
        ("percent", Draw::Count { from: 51, to: 79, step: 1 }),
        ("date", Draw::Date),
        ("job", Draw::Of(&["baker", "doctor", "farmer", "nurse", "pilot", "sailor", "teacher", "tailor"])),
        (
            "promise",
            Draw::Of(&["cheaper buses", "cleaner air", "longer shop hours", "lower rents", "more parks", "new roads", "safer streets"]),
        ),
        ("old", Draw::Person),
        ("years", Draw::Of(&["four", "six", "eight", "ten", "twelve"])),
    ],
    leads: &[
        "{winner} was elected mayor of {town} on {date}.",
        "The people of {town} elected {winner} as mayor on {date}.",
        "On {date}, {town} chose {winner} as its new mayor.",
    ],
    details: &[
        &["The winner got {percent} percent of the votes.", "{percent} percent voted for the winner."],
        &["{loser} lost the race.", "The other candidate was {loser}."],
        &["The new mayor is a {job}.", "The winner has worked as a {job}."],
        &["The town was promised {promise}.", "In the campaign, the winner promised {promise}."],
        &["{old} had been mayor for {years} years.", "The mayor before, {old}, served {years} years."],
    ],
    brief: "{winner} has become mayor of {town} with {percent} percent of the votes and a promise of {promise}.",
    retelling: "there was a race on {date} that {loser} did not win, and {old} goes home after many years, while a {job} moves into the town hall",
    questions: &[
        Question { slot: "winner", asks: &["Who was elected?", "Who is the new mayor?"], reply: "The new mayor is {winner}." },
        Question { slot: "town", asks: &["Which town has a new mayor?", "Where was the election?"], reply: "The election was in {town}." },
        Question { slot: "loser", asks: &["Who lost the race?", "Who was the other candidate?"], reply: "The race was lost by {loser}." },
        Question {
            slot: "date",
            asks: &["When was the election?", "On what day did the people vote?"],
            reply: "The election was on {date}.",
        },
        Question {
            slot: "promise",
            asks: &["What did the winner promise?", "What was the town promised?"],
            reply: "The winner promised {promise}.",
        },
        Question { slot: "old", asks: &["Who was mayor before?", "Who was the old mayor?"], reply: "The mayor before was {old}." },
        Question {
            slot: "job",
            asks: &["What is the new mayor's job?", "What has the winner worked as?"],
            reply: "The winner has worked as a {job}.",
        },
    ],
};
