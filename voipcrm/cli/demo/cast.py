"""Who is in the demo. The last four digits of a number choose how the sandbox's far end behaves (0102 is busy), and
the area code makes numbers with the same ending distinct. All are in NPA-555-0100 to 0199, which nobody owns."""

PASSWORD = "demo-phone"  # printed at each start; the sandbox listens on this machine only

# e-mail, name, roles, what the first screen says about them
PEOPLE = (
    ("ada@example.com", "Ada Ortiz", ("agent",), "Ada Ortiz, agent"),
    ("bo@example.com", "Bo Becker", ("agent", "supervisor"), "Bo Becker, agent and supervisor"),
    ("root@example.com", "Root Admin", ("admin",), "Root Admin, administrator"),
)

# Of agents and supervisors, so that the supervisor has somebody whose calls to see.
TEAM = "Sales"

# number, label
LINES = (("+12025550140", "Sales line"), ("+12025550141", "Support"))

# index into LINES or None for the catch-all, description, e-mails of those rung
ROUTES = (
    (0, "Sales rings Ada", ("ada@example.com",)),
    (1, "Support rings Ada and Bo", ("ada@example.com", "bo@example.com")),
    (None, "Everything else rings Bo", ("bo@example.com",)),
)

# name, user and password at the sandbox's SIP provider, what its numbers begin with (+1207 is Elias Lindqvist)
TRUNK = ("Sandbox SIP", "demo", "demo-trunk", ["+1207"])

TRY = "Try me"  # the company of those who do something special

# name, company, numbers as "label number; …", e-mail, note
CONTACTS = (
    (
        "Priya Raman",
        "Lakeside Dental",
        "work +13125550100; mobile +17735550148",
        "priya@lakeside.example",
        "Prefers mornings.",
    ),
    (
        "Tomás Herrera",
        "Herrera & Sons Roofing",
        "mobile +15055550100",
        "tomas@herrera.example",
        "Quote for the school roof is due.",
    ),
    ("Ingrid Solberg", "Fjord Coffee Roasters", "work +12065550100; mobile +12535550121", "ingrid@fjord.example", ""),
    (
        "Marcus Webb",
        "Webb Legal",
        "work +14045550100; home +16785550133",
        "marcus@webblegal.example",
        "Call back after court, 4 pm.",
    ),
    ("Yuki Tanaka", "Tanaka Robotics", "work +14085550100; mobile +16505550112", "yuki@tanaka.example", ""),
    (
        "Amara Okafor",
        "Okafor Pediatrics",
        "work +17135550100",
        "amara@okafor.example",
        "Two new handsets for the front desk.",
    ),
    ("Luc Fontaine", "Maison Fontaine", "work +15045550100; mobile +19855550127", "luc@fontaine.example", ""),
    (
        "Grace Whitfield",
        "Whitfield Realty",
        "mobile +16155550100; work +16295550115",
        "grace@whitfield.example",
        "Moving offices in January.",
    ),
    ("Omar Haddad", "Haddad Imports", "work +13135550100", "omar@haddad.example", ""),
    ("Beatrix Novak", "Novak Veterinary Clinic", "work +12165550100; mobile +14405550118", "bea@novakvet.example", ""),
    (
        "Elias Lindqvist",
        "North Pier Marine",
        "mobile +12075550100",
        "elias@northpier.example",
        "Wants the offer in writing.",
    ),
    ("Sofia Marchetti", "Marchetti Tiles", "work +14015550100; mobile +15085550139", "sofia@marchetti.example", ""),
    ("Kwame Mensah", "Mensah Logistics", "work +19015550100; mobile +17315550124", "kwame@mensah.example", ""),
    ("Hannah Kim", "Kim & Park Accounting", "work +12135550100", "hannah@kimpark.example", "Year-end in two weeks."),
    ("Dmitri Volkov", "Volkov Piano Service", "mobile +17185550100", "dmitri@volkov.example", ""),
    ("Leila Farouk", "Oasis Travel", "work +16025550100; mobile +14805550130", "leila@oasis.example", ""),
    (
        "Jonas Meyer",
        "Meyer Solar",
        "work +15125550100; mobile +17375550117",
        "jonas@meyersolar.example",
        "Asked for a second line.",
    ),
    ("Nora Byrne", "Byrne Bakery", "work +16175550100; home +17815550142", "nora@byrne.example", ""),
    ("Echo service", TRY, "echo +12125550101", "", "Says back what you say: good for trying a microphone."),
    ("Always busy", TRY, "busy +12125550102", "", "Busy line."),
    ("Never answers", TRY, "no answer +12125550103", "", "Rings until you give up."),
    ("Declines calls", TRY, "rejects +12125550104", "", "Rejects every call."),
    ("Voicemail box", TRY, "voicemail +12125550105", "", "A greeting and a beep."),
    ("Phone menu", TRY, "menu +12125550106", "", "Repeats the keys you press; try 1 2 #."),
    ("Hangs up", TRY, "5 seconds +12125550107", "", "Answers and hangs up after 5 seconds."),
    ("Steady tone", TRY, "1000 Hz +12125550108", "", "A steady 1000 Hz tone: good for trying a headset."),
    ("Not in service", TRY, "wrong number +12125550109", "", "Not a working number."),
)
