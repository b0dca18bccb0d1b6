//! The word lists that reports are drawn from: invented names, ordinary nouns. Nothing here names a real person or place on purpose.

/// First names.
pub(crate) const FIRST_NAMES: &[&str] = &[
    "Ada", "Alan", "Amir", "Ana", "Anton", "Astrid", "Bela", "Boris", "Carla", "Cedric", "Clara", "Dario", "Diana", "Edgar", "Elena",
    "Emil", "Erik", "Esther", "Fatima", "Felix", "Flora", "Georg", "Greta", "Hana", "Hector", "Helen", "Hugo", "Ida", "Igor", "Ines",
    "Ivan", "Jana", "Jonas", "Julia", "Karl", "Kate", "Lars", "Laura", "Leo", "Lina", "Lucas", "Magda", "Marco", "Maria", "Martin", "Mira",
    "Nadia", "Nils", "Nora", "Olga", "Omar", "Oscar", "Paula", "Peter", "Rosa", "Ruth", "Samir", "Sara", "Simon", "Sofia", "Stefan",
    "Tara", "Tomas", "Vera",
];

/// Surnames.
pub(crate) const SURNAMES: &[&str] = &[
    "Abbott", "Adler", "Archer", "Bailey", "Baker", "Barlow", "Becker", "Berg", "Bishop", "Blake", "Brandt", "Brook", "Carver", "Castle",
    "Chandler", "Cole", "Cooper", "Crane", "Dalton", "Drake", "Dunn", "Ellis", "Falk", "Farmer", "Fisher", "Fleming", "Forster", "Fox",
    "Frost", "Gardner", "Gibson", "Grant", "Hale", "Hansen", "Harper", "Hayes", "Holm", "Hunter", "Jansen", "Keller", "Kent", "King",
    "Klein", "Knight", "Lane", "Lang", "Larsen", "Lindberg", "Lowe", "Marsh", "Mason", "Meyer", "Miller", "Moreno", "Moss", "Nash",
    "Novak", "Olsen", "Page", "Palmer", "Parker", "Pereira", "Porter", "Quinn", "Reed", "Rivera", "Roth", "Rowe", "Santos", "Sharp",
    "Shaw", "Silva", "Snow", "Steiner", "Stone", "Swan", "Tanner", "Thorn", "Turner", "Vance", "Vogel", "Walsh", "Ward", "Weaver", "Weber",
    "West", "Wolf", "Wood", "York", "Young",
];

/// Towns, all invented.
pub(crate) const TOWNS: &[&str] = &[
    "Alderton",
    "Ambry",
    "Ashford",
    "Balden",
    "Barrowby",
    "Belmont",
    "Brenvale",
    "Brightsea",
    "Calder",
    "Camberly",
    "Carrow",
    "Castleby",
    "Corvale",
    "Cranmere",
    "Dalby",
    "Delmar",
    "Dorvik",
    "Eastholm",
    "Eldham",
    "Elmstead",
    "Fairhaven",
    "Farnby",
    "Fellgate",
    "Glenmore",
    "Grafton",
    "Greyport",
    "Halden",
    "Harwick",
    "Hazelby",
    "Hollin",
    "Irvale",
    "Kelham",
    "Kelso",
    "Kingsmere",
    "Lakeford",
    "Larchwood",
    "Lindow",
    "Lorvik",
    "Marwell",
    "Melby",
    "Millport",
    "Morvale",
    "Netherby",
    "Norvik",
    "Oakham",
    "Oldbridge",
    "Orrin",
    "Pellham",
    "Pinewood",
    "Portmere",
    "Ravensby",
    "Redcliff",
    "Rosedale",
    "Saltby",
    "Selwick",
    "Silverton",
    "Southmere",
    "Stanwick",
    "Tarrow",
    "Thornby",
    "Tilbury",
    "Torvik",
    "Upton",
    "Valmere",
    "Velby",
    "Wexley",
    "Whitby",
    "Winmore",
    "Woodvale",
    "Yarrow",
];

/// The first word of a company's name.
pub(crate) const COMPANY_STEMS: &[&str] = &[
    "Acorn", "Alpine", "Amber", "Anchor", "Apex", "Arrow", "Atlas", "Beacon", "Borealis", "Bright", "Cedar", "Cobalt", "Comet", "Coral",
    "Crown", "Delta", "Eagle", "Ember", "Falcon", "Fern", "Granite", "Harbor", "Helix", "Horizon", "Iris", "Jade", "Juniper", "Lotus",
    "Lumen", "Maple", "Meridian", "Nimbus", "Nova", "Onyx", "Orbit", "Orchid", "Pioneer", "Polar", "Quartz", "Raven", "Sable", "Summit",
    "Titan", "Vector", "Willow", "Zenith",
];

/// The second word of a company's name.
pub(crate) const COMPANY_TYPES: &[&str] =
    &["Energy", "Foods", "Glass", "Group", "Industries", "Motors", "Paper", "Steel", "Systems", "Textiles"];

/// Rivers.
pub(crate) const RIVERS: &[&str] = &[
    "Alder", "Brayle", "Corse", "Dunmere", "Esk", "Fenna", "Garrow", "Hollen", "Isla", "Kerrin", "Lune", "Marl", "Orwen", "Severa", "Tarn",
    "Wend",
];

/// Sports clubs' second names; the first is the town.
pub(crate) const CLUBS: &[&str] = &["Rovers", "United", "Lions", "Hawks", "Bears", "Tigers", "Sharks", "Rangers", "Wolves", "Eagles"];

/// Scores, the winner's first.
pub(crate) const SCORES: &[&str] = &["2-0", "2-1", "3-0", "3-1", "3-2", "4-1", "4-2", "4-3", "5-1", "5-2", "5-3", "6-2", "6-4"];

/// Things that a plant makes.
pub(crate) const PRODUCTS: &[&str] = &[
    "batteries",
    "bicycles",
    "bricks",
    "cables",
    "carpets",
    "chairs",
    "cheese",
    "clocks",
    "engines",
    "furniture",
    "lamps",
    "mirrors",
    "paint",
    "pumps",
    "shoes",
    "soap",
    "solar panels",
    "tiles",
    "toys",
    "tractors",
    "windows",
];

/// First halves of titles.
pub(crate) const TITLE_ADJECTIVES: &[&str] = &[
    "Blue",
    "Broken",
    "Crimson",
    "Distant",
    "Empty",
    "Forgotten",
    "Frozen",
    "Golden",
    "Hidden",
    "Last",
    "Little",
    "Long",
    "Lost",
    "Quiet",
    "Red",
    "Secret",
    "Silent",
    "Silver",
    "Sleeping",
    "White",
];

/// Second halves of titles.
pub(crate) const TITLE_NOUNS: &[&str] = &[
    "Bridge", "Boat", "Door", "Forest", "Garden", "Harvest", "Horse", "House", "Island", "Lake", "Lantern", "Letter", "Mirror", "Morning",
    "Mountain", "Night", "Orchard", "River", "Road", "Room", "Summer", "Tower", "Valley", "Winter",
];

/// Animals that are studied.
pub(crate) const WILD_ANIMALS: &[&str] = &[
    "badgers", "bats", "bees", "beetles", "crows", "dolphins", "ducks", "eels", "foxes", "frogs", "hares", "moths", "otters", "owls",
    "seals", "swans",
];

/// Animals of a zoo.
pub(crate) const ZOO_ANIMALS: &[&str] =
    &["camel", "elephant", "giraffe", "gorilla", "lemur", "leopard", "panda", "penguin", "rhino", "tiger", "zebra"];

/// Names of young animals.
pub(crate) const PET_NAMES: &[&str] = &[
    "Bimbo", "Coco", "Daisy", "Dusty", "Ginger", "Honey", "Kiko", "Lulu", "Momo", "Nugget", "Pepper", "Pip", "Rusty", "Sunny", "Tiko",
    "Ziggy",
];

/// Months.
pub(crate) const MONTHS: &[&str] =
    &["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// Days of the week.
pub(crate) const WEEKDAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Streets.
pub(crate) const STREETS: &[&str] = &[
    "Abbey Road",
    "Bell Street",
    "Canal Street",
    "Church Road",
    "Garden Street",
    "High Street",
    "Hill Road",
    "King Street",
    "Mill Lane",
    "Park Road",
    "River Street",
    "Station Road",
];

/// Numbers of millions.
pub(crate) const MILLIONS: &[&str] = &[
    "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5", "6", "7", "8", "9", "10", "12", "14", "15", "18", "20", "25", "30", "35", "40", "50",
    "60", "75", "80", "90",
];
