//! Museums, books, festivals, matches, wrecks.

use crate::corpus::{
    draw::Draw,
    kinds::{Kind, Question},
    words,
};

/// A museum buys a painting.
pub(super) const PAINTING: Kind = Kind {
    heading: "{town} museum",
    slots: &[
        ("town", Draw::Town),
        ("title", Draw::Title),
        ("painter", Draw::Person),
        ("price", Draw::Millions),
        ("date", Draw::Date),
        ("director", Draw::Person),
        ("seller", Draw::Person),
        ("year", Draw::Year),
    ],
    leads: &[
        "The museum in {town} bought the painting {title} on {date}.",
        "On {date}, the painting {title} was bought by the museum in {town}.",
        "{title}, a famous painting, went to the museum in {town} on {date}.",
    ],
    details: &[
        &["It is a work of {painter}.", "It was painted by {painter}."],
        &["The museum paid {price} for it.", "The price was {price}."],
        &["{director}, the director, spoke of a lucky day.", "The director, {director}, had looked for it for years."],
        &["It was sold by {seller}.", "It had been in the house of {seller}."],
        &["It was last shown in {year}.", "Nobody had seen it since {year}."],
    ],
    brief: "The museum in {town} has bought {title} by {painter} for {price}.",
    retelling: "a picture has changed hands on {date}, before that {seller} kept it at home, and {director} is now very proud of it",
    questions: &[
        Question {
            slot: "town",
            asks: &["Where is the museum?", "In which town can one see the painting?"],
            reply: "The museum is in {town}.",
        },
        Question {
            slot: "title",
            asks: &["Which painting was bought?", "What is the painting called?"],
            reply: "The painting is called {title}.",
        },
        Question { slot: "painter", asks: &["Who painted it?", "Who is the painter?"], reply: "It was painted by {painter}." },
        Question {
            slot: "price",
            asks: &["How much did the museum pay?", "What was the price of the painting?"],
            reply: "The museum paid {price}.",
        },
        Question {
            slot: "director",
            asks: &["Who is the director of the museum?", "Which director spoke about the painting?"],
            reply: "The director is {director}.",
        },
        Question {
            slot: "seller",
            asks: &["Who sold the painting?", "Who had the painting before?"],
            reply: "The painting was sold by {seller}.",
        },
        Question {
            slot: "date",
            asks: &["When was the painting bought?", "On what day did the museum get the painting?"],
            reply: "The painting was bought on {date}.",
        },
    ],
};

/// A writer wins a prize.
pub(super) const PRIZE: Kind = Kind {
    heading: "{writer}",
    slots: &[
        ("writer", Draw::Person),
        ("title", Draw::Title),
        ("prize", Draw::Of(&["Golden Pen", "Lantern Prize", "Northern Prize", "Reader Award", "River Award", "Silver Leaf"])),
        ("money", Draw::Count { from: 10, to: 90, step: 5 }),
        ("town", Draw::Town),
        ("date", Draw::Date),
        ("judge", Draw::Person),
        ("rival", Draw::Person),
        ("job", Draw::Of(&["baker", "doctor", "farmer", "nurse", "pilot", "sailor", "teacher", "tailor"])),
    ],
    leads: &[
        "{writer} won the {prize} on {date}.",
        "The {prize} went to {writer} on {date}.",
        "On {date}, {writer} was given the {prize}.",
    ],
    details: &[
        &["The prize was for the book {title}.", "The winning book is called {title}."],
        &["It is worth {money} thousand dollars.", "The winner gets {money} thousand dollars."],
        &["The party was held in {town}.", "The winner was named at a dinner in {town}."],
        &["{judge} spoke for the jury.", "The head of the jury, {judge}, praised the style."],
        &["{rival} came second.", "Second place went to {rival}."],
        &["The writer used to be a {job}.", "Before that, the winner worked as a {job}."],
    ],
    brief: "{writer} has won the {prize} for the book {title}.",
    retelling: "a dinner was held in {town} on {date}, {judge} gave a speech there, and {rival} had to go home with nothing",
    questions: &[
        Question { slot: "writer", asks: &["Who won the {prize}?", "Which writer won?"], reply: "The {prize} was won by {writer}." },
        Question {
            slot: "title",
            asks: &["Which book won?", "What is the winning book called?"],
            reply: "The winning book is called {title}.",
        },
        Question { slot: "prize", asks: &["Which prize was it?", "What did the writer win?"], reply: "The prize is the {prize}." },
        Question {
            slot: "town",
            asks: &["Where was the winner named?", "In which town was the party?"],
            reply: "The winner was named in {town}.",
        },
        Question {
            slot: "judge",
            asks: &["Who is the head of the jury?", "Who spoke for the jury?"],
            reply: "The head of the jury is {judge}.",
        },
        Question { slot: "rival", asks: &["Who came second?", "Which writer did not win?"], reply: "Second place went to {rival}." },
        Question {
            slot: "job",
            asks: &["What was the writer's job before?", "What did the winner work as?"],
            reply: "The writer used to be a {job}.",
        },
    ],
};

/// A festival.
pub(super) const FESTIVAL: Kind = Kind {
    heading: "{town} festival",
    slots: &[
        ("town", Draw::Town),
        ("theme", Draw::Of(&["apple", "bread", "cheese", "dance", "film", "flower", "jazz", "kite", "lantern", "puppet", "tea", "wine"])),
        ("date", Draw::Date),
        ("guests", Draw::Count { from: 200, to: 950, step: 50 }),
        ("organiser", Draw::Person),
        ("winner", Draw::Person),
        ("sponsor", Draw::Company),
        ("price", Draw::Count { from: 4, to: 30, step: 1 }),
        ("weather", Draw::Of(&["fog", "hail", "rain", "snow", "strong sun", "wind"])),
    ],
    leads: &[
        "{town} held its {theme} festival on {date}.",
        "The {theme} festival of {town} took place on {date}.",
        "On {date}, people met in {town} for the {theme} festival.",
    ],
    details: &[
        &["{guests} guests came.", "The gates counted {guests} guests."],
        &["It was organised by {organiser}.", "{organiser} had planned it for months."],
        &["{winner} won the first prize.", "The first prize went to {winner}."],
        &["{sponsor} paid for the stage.", "The stage was a gift of {sponsor}."],
        &["A ticket cost {price} dollars.", "Guests paid {price} dollars to get in."],
        &["There was {weather} all day.", "Not even {weather} kept people away."],
    ],
    brief: "{guests} guests have come to the {theme} festival in {town}.",
    retelling: "on {date} there was a feast with {weather}, which {organiser} had worked for, and a stage that was paid by {sponsor}",
    questions: &[
        Question {
            slot: "town",
            asks: &["Where was the festival?", "Which town held the festival?"],
            reply: "The festival was in {town}.",
        },
        Question {
            slot: "date",
            asks: &["When was the festival?", "On what day did the festival take place?"],
            reply: "The festival was on {date}.",
        },
        Question {
            slot: "guests",
            asks: &["How many guests came?", "How many guests did the gates count?"],
            reply: "The festival had {guests} guests.",
        },
        Question {
            slot: "organiser",
            asks: &["Who organised the festival?", "Who planned the festival?"],
            reply: "The festival was organised by {organiser}.",
        },
        Question {
            slot: "winner",
            asks: &["Who won the first prize?", "Who got the first prize?"],
            reply: "The first prize went to {winner}.",
        },
        Question {
            slot: "sponsor",
            asks: &["Who paid for the stage?", "Which company gave the stage?"],
            reply: "The stage was paid for by {sponsor}.",
        },
        Question {
            slot: "weather",
            asks: &["What was the weather like?", "Which weather did the guests have?"],
            reply: "The weather was {weather}.",
        },
    ],
};

/// A match.
pub(super) const MATCH: Kind = Kind {
    heading: "{winner} match",
    slots: &[
        ("winner", Draw::Club),
        ("loser", Draw::Club),
        ("score", Draw::Of(words::SCORES)),
        ("weekday", Draw::Weekday),
        ("scorer", Draw::Person),
        ("coach", Draw::Person),
        ("keeper", Draw::Person),
        ("fans", Draw::Count { from: 200, to: 950, step: 50 }),
        ("cup", Draw::Of(&["Autumn Cup", "City Cup", "Coast Cup", "Harvest Cup", "Lake Cup", "Winter Cup"])),
    ],
    leads: &[
        "{winner} beat {loser} on {weekday}.",
        "{loser} lost to {winner} on {weekday}.",
        "On {weekday}, {winner} won against {loser}.",
    ],
    details: &[
        &["The match ended {score}.", "The score was {score}."],
        &["It was a match of the {cup}.", "With that, the {cup} is won."],
        &["{scorer} scored the last goal.", "The last goal was scored by {scorer}."],
        &["{coach}, the coach, was happy with the team.", "The coach, {coach}, had changed the plan."],
        &["The goalkeeper, {keeper}, was hurt.", "{keeper}, the goalkeeper, had to leave early."],
        &["{fans} fans watched it.", "There were {fans} fans in the rain."],
    ],
    brief: "{winner} have beaten {loser} {score} in the {cup}.",
    retelling: "there was a game on {weekday} before {fans} fans, in which {scorer} was the hero, while {coach} shouted and {keeper} got hurt",
    questions: &[
        Question { slot: "winner", asks: &["Which team won?", "Who beat {loser}?"], reply: "The match was won by {winner}." },
        Question { slot: "loser", asks: &["Which team lost?", "Who lost to {winner}?"], reply: "The match was lost by {loser}." },
        Question { slot: "score", asks: &["What was the score?", "How did the match end?"], reply: "The match ended {score}." },
        Question {
            slot: "scorer",
            asks: &["Who scored the last goal?", "Which player scored last?"],
            reply: "The last goal was scored by {scorer}.",
        },
        Question { slot: "coach", asks: &["Who is the coach?", "Which coach changed the plan?"], reply: "The coach is {coach}." },
        Question { slot: "keeper", asks: &["Who is the goalkeeper?", "Which player was hurt?"], reply: "The goalkeeper is {keeper}." },
        Question { slot: "cup", asks: &["Which cup was it?", "In which cup did they play?"], reply: "The match was in the {cup}." },
    ],
};

/// Divers find a wreck.
pub(super) const WRECK: Kind = Kind {
    heading: "wreck of the {ship}",
    slots: &[
        ("ship", Draw::Title),
        ("town", Draw::Town),
        ("date", Draw::Date),
        ("depth", Draw::Count { from: 20, to: 95, step: 5 }),
        ("year", Draw::Year),
        ("diver", Draw::Person),
        ("captain", Draw::Person),
        ("cargo", Draw::Of(&["coal", "copper", "glass", "gold coins", "iron", "pottery", "silk", "spices", "tea", "wine"])),
        ("museum", Draw::Town),
    ],
    leads: &[
        "Divers found the wreck of the {ship} near {town} on {date}.",
        "The wreck of the {ship} was found near {town} on {date}.",
        "On {date}, the lost ship {ship} was found off the coast of {town}.",
    ],
    details: &[
        &["It lies {depth} metres deep.", "The divers went down {depth} metres."],
        &["The ship had been lost since {year}.", "It sank in {year}."],
        &["{diver} led the divers.", "The divers were led by {diver}."],
        &["Its captain was {captain}.", "{captain} had been its captain."],
        &["It carried {cargo}.", "There was still {cargo} on board."],
        &["The finds will be shown in {museum}.", "The finds go to a museum in {museum}."],
    ],
    brief: "Divers have found the {ship}, lost since {year} with its load of {cargo}, near {town}.",
    retelling: "on {date} something old was seen under the water, {diver} went down {depth} metres, and the captain of that time was {captain}",
    questions: &[
        Question { slot: "ship", asks: &["Which ship was found?", "What was the ship called?"], reply: "The ship was called {ship}." },
        Question {
            slot: "town",
            asks: &["Near which town was the ship found?", "Where was the wreck found?"],
            reply: "The wreck was found near {town}.",
        },
        Question {
            slot: "date",
            asks: &["When was the wreck found?", "On what day did the divers find the ship?"],
            reply: "The wreck was found on {date}.",
        },
        Question { slot: "diver", asks: &["Who led the divers?", "Which diver was in charge?"], reply: "The divers were led by {diver}." },
        Question {
            slot: "captain",
            asks: &["Who was the captain?", "Who had been the captain of the ship?"],
            reply: "The captain was {captain}.",
        },
        Question { slot: "cargo", asks: &["What did the ship carry?", "What was on board?"], reply: "The ship carried {cargo}." },
        Question {
            slot: "museum",
            asks: &["Where will the finds be shown?", "To which town do the finds go?"],
            reply: "The finds will be shown in {museum}.",
        },
    ],
};
