//! Events of companies and their workers.

use crate::corpus::{
    draw::Draw,
    kinds::{Kind, Question},
    words,
};

/// A company opens a plant.
pub(super) const PLANT: Kind = Kind {
    heading: "{company} plant",
    slots: &[
        ("company", Draw::Company),
        ("town", Draw::Town),
        ("date", Draw::Date),
        ("product", Draw::Of(words::PRODUCTS)),
        ("cost", Draw::Millions),
        ("jobs", Draw::Count { from: 120, to: 900, step: 20 }),
        ("leader", Draw::Person),
        ("critic", Draw::Person),
        ("other", Draw::Town),
    ],
    leads: &[
        "{company} opened a new plant in {town} on {date}.",
        "A new plant of {company} began work in {town} on {date}.",
        "On {date}, {company} opened the doors of its new plant in {town}.",
    ],
    details: &[
        &["The plant will make {product}.", "It will produce {product} for the home market."],
        &["The building cost {cost}.", "The company spent {cost} on the site."],
        &["It gives work to {jobs} people.", "About {jobs} people have found work there."],
        &["The plant is led by {leader}.", "{leader} was named head of the plant."],
        &["{critic}, who lives nearby, complained about the noise.", "A neighbour, {critic}, said that the trucks were too loud."],
        &["An older plant in {other} will close next year.", "The company had also looked at land in {other}."],
    ],
    brief: "{company} has opened a plant for {product} in {town} at a cost of {cost}.",
    retelling: "there was an opening of a factory on {date}, where {jobs} people now work under {leader}, and the firm behind it all is called {company}",
    questions: &[
        Question {
            slot: "town",
            asks: &["Where is the new plant?", "In which town did the plant open?"],
            reply: "The new plant is in {town}.",
        },
        Question {
            slot: "date",
            asks: &["When did the plant open?", "On what day was the plant opened?"],
            reply: "The plant opened on {date}.",
        },
        Question {
            slot: "product",
            asks: &["What will the plant make?", "What does the plant produce?"],
            reply: "The plant makes {product}.",
        },
        Question {
            slot: "cost",
            asks: &["How much did the plant cost?", "What did the company spend on the plant?"],
            reply: "The plant cost {cost}.",
        },
        Question {
            slot: "leader",
            asks: &["Who leads the plant?", "Who is the head of the plant?"],
            reply: "The plant is led by {leader}.",
        },
        Question {
            slot: "critic",
            asks: &["Who complained about the plant?", "Which neighbour was not happy?"],
            reply: "The neighbour who complained is {critic}.",
        },
        Question {
            slot: "company",
            asks: &["Which company opened the plant?", "Who owns the plant?"],
            reply: "The plant belongs to {company}.",
        },
    ],
};

/// A company buys another.
pub(super) const TAKEOVER: Kind = Kind {
    heading: "{company} takeover",
    slots: &[
        ("company", Draw::Company),
        ("target", Draw::Company),
        ("town", Draw::Town),
        ("date", Draw::Date),
        ("price", Draw::Millions),
        ("staff", Draw::Count { from: 150, to: 950, step: 50 }),
        ("chief", Draw::Person),
        ("founder", Draw::Person),
        ("year", Draw::Year),
    ],
    leads: &[
        "{company} has bought its rival {target}, it was announced on {date}.",
        "On {date}, {company} said that it had taken over {target}.",
        "The firm {target} now belongs to {company}, both said on {date}.",
    ],
    details: &[
        &["The price was {price}.", "{company} paid {price} for it."],
        &["{target} is based in {town}.", "The office of {target} in {town} will stay open."],
        &["It has a staff of {staff}.", "The deal affects {staff} workers."],
        &["The new chief will be {chief}.", "{chief} will run the joined firm."],
        &["{target} was founded by {founder} in {year}.", "Its founder, {founder}, started the firm in {year}."],
    ],
    brief: "{company} has bought {target} for {price} and will be run by {chief}.",
    retelling: "two firms have come together, the smaller one sits in {town} and was started by {founder}, and {staff} workers now wait to hear what comes next",
    questions: &[
        Question {
            slot: "company",
            asks: &["Who bought {target}?", "Which company took over {target}?"],
            reply: "{target} was bought by {company}.",
        },
        Question {
            slot: "target",
            asks: &["Which firm was bought?", "Which company was taken over?"],
            reply: "The firm that was bought is {target}.",
        },
        Question {
            slot: "price",
            asks: &["What was the price of the firm?", "How much was paid for {target}?"],
            reply: "The price was {price}.",
        },
        Question {
            slot: "town",
            asks: &["Where is {target} based?", "In which town is the office of {target}?"],
            reply: "{target} is based in {town}.",
        },
        Question {
            slot: "chief",
            asks: &["Who will be the new chief?", "Who will run the joined firm?"],
            reply: "The new chief is {chief}.",
        },
        Question {
            slot: "founder",
            asks: &["Who founded {target}?", "Who started the firm that was bought?"],
            reply: "{target} was founded by {founder}.",
        },
        Question {
            slot: "date",
            asks: &["When was the deal announced?", "On what day was the deal made public?"],
            reply: "The deal was announced on {date}.",
        },
    ],
};

/// Workers stop work.
pub(super) const STRIKE: Kind = Kind {
    heading: "{company} strike",
    slots: &[
        ("company", Draw::Company),
        ("town", Draw::Town),
        ("weekday", Draw::Weekday),
        ("workers", Draw::Count { from: 100, to: 900, step: 20 }),
        ("percent", Draw::Count { from: 3, to: 12, step: 1 }),
        ("offer", Draw::Of(&["one", "two"])),
        ("leader", Draw::Person),
        ("manager", Draw::Person),
        ("product", Draw::Of(words::PRODUCTS)),
    ],
    leads: &[
        "Workers at {company} in {town} stopped work on {weekday}.",
        "A strike began on {weekday} at the works of {company} in {town}.",
        "On {weekday}, the staff of {company} in {town} went on strike.",
    ],
    details: &[
        &["They ask for {percent} percent more pay.", "The workers want a rise of {percent} percent."],
        &["About {workers} people take part.", "The union counted {workers} people at the gates."],
        &["The union is led by {leader}.", "{leader} spoke for the union at the gate."],
        &["{manager}, the manager, offered {offer} percent.", "The manager, {manager}, said that only {offer} percent was possible."],
        &["No {product} left the works that day.", "The works, which make {product}, stood still."],
    ],
    brief: "Workers at {company} in {town} are on strike for {percent} percent more pay.",
    retelling: "people walked out on {weekday}, with {leader} on one side and {manager} on the other, and in all {workers} of them stood outside",
    questions: &[
        Question {
            slot: "company",
            asks: &["Which company has a strike?", "Whose workers stopped work?"],
            reply: "The strike is at {company}.",
        },
        Question {
            slot: "town",
            asks: &["Where is the strike?", "In which town did the workers stop work?"],
            reply: "The strike is in {town}.",
        },
        Question {
            slot: "weekday",
            asks: &["On which day did the strike begin?", "When did the workers stop work?"],
            reply: "The strike began on {weekday}.",
        },
        Question {
            slot: "workers",
            asks: &["How many people take part in the strike?", "How many people did the union count?"],
            reply: "The strike has {workers} people.",
        },
        Question { slot: "leader", asks: &["Who leads the union?", "Who speaks for the union?"], reply: "The union is led by {leader}." },
        Question {
            slot: "manager",
            asks: &["Who is the manager?", "Who made an offer to the workers?"],
            reply: "The manager is {manager}.",
        },
        Question {
            slot: "product",
            asks: &["What do the works make?", "Which goods did not leave the works?"],
            reply: "The works make {product}.",
        },
    ],
};

/// A new railway line.
pub(super) const RAILWAY: Kind = Kind {
    heading: "{town} railway",
    slots: &[
        ("company", Draw::Company),
        ("town", Draw::Town),
        ("end", Draw::Town),
        ("date", Draw::Date),
        ("minutes", Draw::Count { from: 15, to: 95, step: 5 }),
        ("cost", Draw::Millions),
        ("driver", Draw::Person),
        ("engineer", Draw::Person),
        ("stop", Draw::Town),
    ],
    leads: &[
        "A railway line from {town} to {end} opened on {date}.",
        "Since {date}, trains have been running from {town} to {end}.",
        "The first train from {town} to {end} left on {date}.",
    ],
    details: &[
        &["The trip takes {minutes} minutes.", "Trains need {minutes} minutes for the whole way."],
        &["The line was built by {company}.", "{company} laid the tracks."],
        &["It cost {cost}.", "The state paid {cost} for it."],
        &["{driver} drove the first train.", "The driver of the first train was {driver}."],
        &["{engineer}, the chief engineer, thanked the workers.", "The chief engineer, {engineer}, called it a hard job."],
        &["Trains also stop at {stop}.", "There is one stop on the way, at {stop}."],
    ],
    brief: "A railway built by {company} for {cost} now links {town} and {end}.",
    retelling: "there are new tracks with a stop at {stop}, one sits in the train for {minutes} minutes, and {driver} was the first to drive it, on {date}",
    questions: &[
        Question {
            slot: "end",
            asks: &["Where does the line from {town} go?", "Which town can one reach from {town}?"],
            reply: "The line goes to {end}.",
        },
        Question {
            slot: "date",
            asks: &["When did the line open?", "On what day did the trains begin to run?"],
            reply: "The line opened on {date}.",
        },
        Question {
            slot: "company",
            asks: &["Who built the line?", "Which company laid the tracks?"],
            reply: "The line was built by {company}.",
        },
        Question { slot: "cost", asks: &["How much did the line cost?", "What was paid for the line?"], reply: "The line cost {cost}." },
        Question {
            slot: "driver",
            asks: &["Who drove the first train?", "Who was the driver of the first train?"],
            reply: "The first train was driven by {driver}.",
        },
        Question {
            slot: "engineer",
            asks: &["Who is the chief engineer?", "Which engineer worked on the line?"],
            reply: "The chief engineer is {engineer}.",
        },
        Question {
            slot: "stop",
            asks: &["Where do the trains stop on the way?", "Which town lies on the way?"],
            reply: "The trains stop at {stop}.",
        },
    ],
};
