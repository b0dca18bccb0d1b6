//! Floods, storms, fires, rescues, animals and what was found out about them.

use crate::corpus::{
    draw::Draw,
    kinds::{Kind, Question},
    words,
};

/// A flood closes a bridge.
pub(super) const FLOOD: Kind = Kind {
    heading: "{town} flood",
    slots: &[
        ("river", Draw::Of(words::RIVERS)),
        ("town", Draw::Town),
        ("weekday", Draw::Weekday),
        ("homes", Draw::Count { from: 20, to: 400, step: 20 }),
        ("damage", Draw::Millions),
        ("mayor", Draw::Person),
        ("helper", Draw::Person),
        ("road", Draw::Of(words::STREETS)),
        ("other", Draw::Town),
    ],
    leads: &[
        "A flood of the river {river} closed the bridge in {town} on {weekday}.",
        "The bridge in {town} was closed on {weekday} after the river {river} rose.",
        "On {weekday}, the river {river} flooded {town} and its bridge was shut.",
    ],
    details: &[
        &["Water entered {homes} homes.", "People had to leave {homes} homes."],
        &["The damage is put at {damage}.", "Repairs will cost {damage}."],
        &["{mayor}, the mayor, asked for help.", "The mayor, {mayor}, called it the worst flood in years."],
        &["A farmer, {helper}, brought people to safety in a boat.", "{helper} used a boat to bring neighbours to safety."],
        &["Cars must now take {road}.", "Traffic was sent over {road}."],
        &["In {other}, further down, the water is still rising.", "People in {other} are filling bags with sand."],
    ],
    brief: "A flood of the {river} has closed the bridge in {town} and done damage of {damage}.",
    retelling: "the weather has been bad, {homes} homes are wet, {mayor} is worried, and someone with a boat whose name is {helper} was of great help",
    questions: &[
        Question {
            slot: "river",
            asks: &["Which river rose?", "Which river flooded the town?"],
            reply: "The river that rose is the {river}.",
        },
        Question {
            slot: "town",
            asks: &["Where was the bridge closed?", "Which town has lost the use of its bridge?"],
            reply: "The closed bridge is in {town}.",
        },
        Question {
            slot: "weekday",
            asks: &["On which day was the bridge closed?", "When did the flood come?"],
            reply: "The bridge was closed on {weekday}.",
        },
        Question { slot: "damage", asks: &["How high is the damage?", "What will the repairs cost?"], reply: "The damage is {damage}." },
        Question { slot: "mayor", asks: &["Who is the mayor?", "Which mayor spoke about the flood?"], reply: "The mayor is {mayor}." },
        Question {
            slot: "helper",
            asks: &["Who used a boat?", "Who brought people to safety?"],
            reply: "People were brought to safety by {helper}.",
        },
        Question { slot: "road", asks: &["Which road must cars take?", "Where was the traffic sent?"], reply: "Cars must take {road}." },
    ],
};

/// A storm cuts the power.
pub(super) const STORM: Kind = Kind {
    heading: "{town} storm",
    slots: &[
        ("town", Draw::Town),
        ("weekday", Draw::Weekday),
        ("homes", Draw::Count { from: 200, to: 950, step: 50 }),
        ("speed", Draw::Count { from: 90, to: 160, step: 5 }),
        ("hours", Draw::Count { from: 4, to: 48, step: 2 }),
        ("company", Draw::Company),
        ("engineer", Draw::Person),
        ("victim", Draw::Person),
        ("thing", Draw::Of(&["barn", "bus", "car", "chapel", "garage", "kiosk", "school", "shed"])),
    ],
    leads: &[
        "A storm cut the power in {town} on {weekday}.",
        "{town} lost its power on {weekday} when a storm came through.",
        "On {weekday}, a strong storm left {town} in the dark.",
    ],
    details: &[
        &["{homes} homes had no light.", "The lights went out in {homes} homes."],
        &["The wind reached {speed} kilometres an hour.", "A wind of {speed} kilometres an hour was measured."],
        &["It took {hours} hours to mend the lines.", "The lines were mended after {hours} hours."],
        &["The lines belong to {company}.", "{company}, which owns the lines, said sorry."],
        &["{engineer} led the repair crew.", "The repair crew was led by {engineer}."],
        &["A tree fell on the {thing} of {victim}.", "{victim} lost a {thing} to a falling tree."],
    ],
    brief: "A storm has left {homes} homes in {town} without power for {hours} hours.",
    retelling: "it was windy on {weekday}, the people of {company} had much to do with {engineer} in front, and a tree hit something that belonged to {victim}",
    questions: &[
        Question {
            slot: "town",
            asks: &["Where did the storm cut the power?", "Which town lost its power?"],
            reply: "The power was cut in {town}.",
        },
        Question {
            slot: "weekday",
            asks: &["On which day did the storm come?", "When was the power lost?"],
            reply: "The storm came on {weekday}.",
        },
        Question {
            slot: "homes",
            asks: &["How many homes had no light?", "In how many homes did the lights go out?"],
            reply: "The storm left {homes} homes without light.",
        },
        Question {
            slot: "company",
            asks: &["Who owns the lines?", "Which company do the lines belong to?"],
            reply: "The lines belong to {company}.",
        },
        Question {
            slot: "engineer",
            asks: &["Who led the repair crew?", "Who was in charge of the repairs?"],
            reply: "The repair crew was led by {engineer}.",
        },
        Question {
            slot: "victim",
            asks: &["Who was hit by a falling tree's damage?", "Whose property was hit by a tree?"],
            reply: "The tree hit the property of {victim}.",
        },
        Question {
            slot: "thing",
            asks: &["What did the tree fall on?", "What was hit by the tree?"],
            reply: "The tree fell on a {thing}.",
        },
    ],
};

/// A building burns.
pub(super) const FIRE: Kind = Kind {
    heading: "{town} fire",
    slots: &[
        ("building", Draw::Of(&["bakery", "barn", "cinema", "hotel", "library", "mill", "old school", "shop", "theatre", "warehouse"])),
        ("street", Draw::Of(words::STREETS)),
        ("town", Draw::Town),
        ("weekday", Draw::Weekday),
        (
            "cause",
            Draw::Of(&["a candle", "a faulty cable", "a gas leak", "a hot oven", "a lightning strike", "an old heater", "fireworks"]),
        ),
        ("crew", Draw::Count { from: 12, to: 90, step: 2 }),
        ("chief", Draw::Person),
        ("owner", Draw::Person),
        ("hurt", Draw::Of(&["two", "three", "four", "five", "six"])),
    ],
    leads: &[
        "A fire destroyed a {building} in {town} on {weekday}.",
        "On {weekday}, a {building} in {town} burned down.",
        "A {building} in {town} was lost to a fire on {weekday}.",
    ],
    details: &[
        &["The {building} stood on {street}.", "{street} was closed for the whole day."],
        &["The fire was started by {cause}.", "The police name {cause} as the cause."],
        &["{crew} firefighters were there.", "It took {crew} firefighters to put it out."],
        &["{chief} was in command of the firefighters.", "The fire chief, {chief}, praised the crew."],
        &["The owner, {owner}, wants to build it again.", "It belonged to {owner}."],
        &["{hurt} people were taken to hospital.", "{hurt} people were slightly hurt."],
    ],
    brief: "A fire caused by {cause} has destroyed a {building} on {street} in {town}.",
    retelling: "smoke was seen on {weekday}, {crew} firefighters came with {chief}, and the one who lost the most is {owner}, who owned the place",
    questions: &[
        Question {
            slot: "building",
            asks: &["What burned down?", "What was destroyed by the fire?"],
            reply: "The fire destroyed a {building}.",
        },
        Question {
            slot: "town",
            asks: &["Where was the fire?", "In which town did the fire break out?"],
            reply: "The fire was in {town}.",
        },
        Question {
            slot: "street",
            asks: &["On which street was the fire?", "Which street is named in the report?"],
            reply: "The fire was on {street}.",
        },
        Question {
            slot: "cause",
            asks: &["What started the fire?", "What was the cause of the fire?"],
            reply: "The fire was started by {cause}.",
        },
        Question { slot: "chief", asks: &["Who is the fire chief?", "Who was in command?"], reply: "The fire chief is {chief}." },
        Question {
            slot: "owner",
            asks: &["Who is the owner of the building?", "Who did the building belong to?"],
            reply: "The building belonged to {owner}.",
        },
        Question { slot: "weekday", asks: &["On which day was the fire?", "When did it burn?"], reply: "The fire was on {weekday}." },
    ],
};

/// People are rescued.
pub(super) const RESCUE: Kind = Kind {
    heading: "{place} rescue",
    slots: &[
        ("who", Draw::Of(&["climbers", "divers", "fishermen", "hikers", "sailors", "skiers", "students", "tourists"])),
        ("number", Draw::Of(&["two", "three", "four", "five", "six", "seven", "eight"])),
        (
            "place",
            Draw::Of(&[
                "Black Rock",
                "Bear Valley",
                "Cold Lake",
                "Eagle Peak",
                "Fox Island",
                "Long Beach",
                "Mount Arden",
                "Mount Sorrel",
                "Seal Bay",
                "Stone Pass",
                "Windy Ridge",
            ]),
        ),
        ("weekday", Draw::Weekday),
        ("hours", Draw::Count { from: 5, to: 40, step: 1 }),
        ("pilot", Draw::Person),
        ("guide", Draw::Person),
        ("town", Draw::Town),
        ("sign", Draw::Of(&["a fire", "a mirror", "a red jacket", "a torch", "a whistle", "smoke"])),
    ],
    leads: &[
        "{number} {who} were rescued at {place} on {weekday}.",
        "On {weekday}, {number} {who} were brought home safely from {place}.",
        "A crew found {number} lost {who} at {place} on {weekday}.",
    ],
    details: &[
        &["They had been missing for {hours} hours.", "The search had taken {hours} hours."],
        &["{pilot} flew the helicopter.", "The pilot of the helicopter was {pilot}."],
        &["The group was led by a guide, {guide}.", "Their guide, {guide}, had hurt a leg."],
        &["All were taken to a hospital in {town}.", "They are now resting in {town}."],
        &["The crew saw {sign} from the air.", "It was {sign} that showed the crew the way."],
    ],
    brief: "{number} {who} have been found alive at {place} after {hours} hours.",
    retelling: "there was a long search that ended on {weekday}, the flying was done by {pilot}, and now everyone can sleep in {town}",
    questions: &[
        Question {
            slot: "who",
            asks: &["Who was rescued?", "What kind of people were lost?"],
            reply: "The people who were rescued are {who}.",
        },
        Question {
            slot: "place",
            asks: &["Where were they found?", "At which place was the rescue?"],
            reply: "They were found at {place}.",
        },
        Question {
            slot: "hours",
            asks: &["How many hours did the search take?", "For how many hours were they missing?"],
            reply: "They were missing for {hours} hours.",
        },
        Question {
            slot: "pilot",
            asks: &["Who flew the helicopter?", "Who was the pilot?"],
            reply: "The helicopter was flown by {pilot}.",
        },
        Question { slot: "guide", asks: &["Who was the guide?", "Who led the group?"], reply: "The guide was {guide}." },
        Question {
            slot: "town",
            asks: &["To which town were they taken?", "Where are they resting?"],
            reply: "They were taken to {town}.",
        },
        Question {
            slot: "sign",
            asks: &["What did the crew see from the air?", "What showed the crew the way?"],
            reply: "The crew saw {sign}.",
        },
    ],
};

/// A laboratory publishes a finding.
pub(super) const FINDING: Kind = Kind {
    heading: "study of {animal}",
    slots: &[
        ("town", Draw::Town),
        ("animal", Draw::Of(words::WILD_ANIMALS)),
        (
            "effect",
            Draw::Of(&[
                "can count",
                "can learn from music",
                "hear better at night",
                "live longer in groups",
                "prefer blue light",
                "remember faces",
                "sleep less in spring",
                "travel by the stars",
                "use tools",
            ]),
        ),
        ("number", Draw::Count { from: 40, to: 600, step: 20 }),
        ("years", Draw::Of(&["two", "three", "four", "five", "six", "seven"])),
        ("scientist", Draw::Person),
        ("doubter", Draw::Person),
        ("journal", Draw::Of(&["Animal Letters", "Field Notes", "Journal of Life", "Living World", "Nature Review", "Science Monthly"])),
        ("cost", Draw::Millions),
    ],
    leads: &[
        "A laboratory in {town} has found that {animal} {effect}.",
        "According to a laboratory in {town}, {animal} {effect}.",
        "{animal} {effect}, a laboratory in {town} reports.",
    ],
    details: &[
        &["The finding appeared in {journal}.", "It was published in {journal}."],
        &["The team was led by {scientist}.", "{scientist} led the work."],
        &["They watched {number} animals.", "The study looked at {number} of them."],
        &["The work took {years} years.", "It went on for {years} years."],
        &["{doubter}, who was not part of the team, has doubts.", "Another expert, {doubter}, asks for more proof."],
        &["The state paid {cost} for the study.", "The study cost {cost}."],
    ],
    brief: "{scientist} and a team in {town} have shown that {animal} {effect}.",
    retelling: "experts have watched {number} animals for a long time, the text stood in {journal}, and {doubter} does not believe it yet",
    questions: &[
        Question {
            slot: "town",
            asks: &["Where is the laboratory?", "In which town was the study made?"],
            reply: "The laboratory is in {town}.",
        },
        Question {
            slot: "animal",
            asks: &["Which animals were studied?", "What is the study about?"],
            reply: "The study is about {animal}.",
        },
        Question { slot: "scientist", asks: &["Who led the team?", "Who led the study?"], reply: "The study was led by {scientist}." },
        Question {
            slot: "doubter",
            asks: &["Who has doubts about the study?", "Who asks for more proof?"],
            reply: "The expert who has doubts is {doubter}.",
        },
        Question {
            slot: "journal",
            asks: &["Where was the finding published?", "In which journal did the finding appear?"],
            reply: "The finding was published in {journal}.",
        },
        Question {
            slot: "cost",
            asks: &["How much did the study cost?", "What did the state pay for the study?"],
            reply: "The study cost {cost}.",
        },
        Question {
            slot: "number",
            asks: &["How many animals were watched?", "How many animals were in the study?"],
            reply: "The study looked at {number} animals.",
        },
    ],
};

/// A young animal at a zoo.
pub(super) const ZOO: Kind = Kind {
    heading: "{town} zoo",
    slots: &[
        ("town", Draw::Town),
        ("animal", Draw::Of(words::ZOO_ANIMALS)),
        ("name", Draw::Of(words::PET_NAMES)),
        ("date", Draw::Date),
        ("weight", Draw::Count { from: 2, to: 60, step: 1 }),
        ("keeper", Draw::Person),
        ("doctor", Draw::Person),
        ("mother", Draw::Of(words::PET_NAMES)),
        ("from", Draw::Town),
    ],
    leads: &[
        "A young {animal} was born at the zoo in {town} on {date}.",
        "The zoo in {town} has a new {animal}, born on {date}.",
        "On {date}, a {animal} came into the world at the zoo in {town}.",
    ],
    details: &[
        &["It was given the name {name}.", "Visitors voted to call it {name}."],
        &["It weighs {weight} kilograms.", "At birth it had a weight of {weight} kilograms."],
        &["{keeper} looks after it.", "Its keeper is {keeper}."],
        &["The animal doctor, {doctor}, says that it is healthy.", "{doctor}, the animal doctor, was there at the birth."],
        &["The mother is called {mother}.", "Its mother, {mother}, is doing well."],
        &["The father came from a zoo in {from}.", "Its father was brought from {from}."],
    ],
    brief: "A {animal} called {name} has been born at the zoo in {town}.",
    retelling: "there is good news about a small animal of {weight} kilograms, the mother is {mother}, and {keeper} gives it milk every day",
    questions: &[
        Question { slot: "town", asks: &["Where is the zoo?", "In which town was the animal born?"], reply: "The zoo is in {town}." },
        Question {
            slot: "animal",
            asks: &["What kind of animal was born?", "Which animal is new at the zoo?"],
            reply: "The new animal is a {animal}.",
        },
        Question {
            slot: "name",
            asks: &["What is the name of the young {animal}?", "What is the young {animal} called?"],
            reply: "The young {animal} is called {name}.",
        },
        Question {
            slot: "date",
            asks: &["When was the {animal} born?", "On what day was the {animal} born?"],
            reply: "The {animal} was born on {date}.",
        },
        Question { slot: "keeper", asks: &["Who looks after the {animal}?", "Who is the keeper?"], reply: "The keeper is {keeper}." },
        Question {
            slot: "doctor",
            asks: &["Who is the animal doctor?", "Who says that the animal is healthy?"],
            reply: "The animal doctor is {doctor}.",
        },
        Question {
            slot: "mother",
            asks: &["What is the mother called?", "What is the name of the mother?"],
            reply: "The mother is called {mother}.",
        },
    ],
};
