"""Which font shows which characters, and which stands in for one that can't be shipped; tables for font_fallback.py."""

from __future__ import annotations

#: The face of the collection that shows ideographs of no named tradition.
FALLBACK_FACE = "Noto Sans CJK SC"

ALIASES = {
    "SC": (
        "SimHei", "SimSun", "NSimSun", "KaiTi", "FangSong", "STHeiti", "STSong", "STKaiti", "STFangsong",
        "STXihei", "Heiti SC", "Songti SC", "Kaiti SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
        "Microsoft YaHei UI", "DengXian", "LiHei Pro", "Source Han Sans SC", "Source Han Sans CN",
        "Source Han Serif SC", "Noto Sans SC", "Noto Serif CJK SC", "Noto Sans Mono CJK SC",
        "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS", "Sarasa Gothic SC",
    ),
    "TC": (
        "Microsoft JhengHei", "MingLiU", "PMingLiU", "DFKai-SB", "PingFang TC", "PingFang HK", "Heiti TC",
        "Songti TC", "Apple LiGothic", "Source Han Sans TC", "Source Han Sans TW", "Noto Sans TC",
        "Noto Sans CJK HK", "Noto Serif CJK TC", "Noto Sans HK",
    ),
    "JP": (
        "MS Gothic", "MS PGothic", "MS UI Gothic", "MS Mincho", "MS PMincho", "Meiryo", "Yu Gothic", "YuGothic",
        "Yu Mincho", "Hiragino Sans", "Hiragino Kaku Gothic Pro", "Hiragino Kaku Gothic ProN",
        "Hiragino Maru Gothic Pro", "IPAGothic", "IPAPGothic", "IPAexGothic", "IPAMincho", "IPAexMincho",
        "TakaoGothic", "TakaoPGothic", "VL Gothic", "VL PGothic", "Osaka", "AppleGothic JP",
        "Source Han Sans", "Source Han Sans JP", "Noto Sans JP", "Noto Serif CJK JP", "Japanize Matplotlib",
    ),
    "KR": (
        "Malgun Gothic", "NanumGothic", "Nanum Gothic", "NanumBarunGothic", "NanumMyeongjo", "NanumSquare",
        "AppleGothic", "Apple SD Gothic Neo", "AppleMyungjo", "Gulim", "Dotum", "Batang", "Gungsuh",
        "Source Han Sans KR", "Noto Sans KR", "Noto Serif CJK KR", "UnDotum",
    ),
}  # fmt: skip

#: Characters of Chinese, Japanese and Korean.
CJK = (
    (0x1100, 0x11FF),  # Hangul letters
    (0x2E80, 0x9FFF),  # radicals, punctuation, kana, ideographs
    (0xA960, 0xA97F),  # Hangul letters
    (0xAC00, 0xD7FF),  # Hangul syllables
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFE30, 0xFE4F),  # compatibility forms
    (0xFF00, 0xFFEF),  # full width and half width forms
    (0x20000, 0x3FFFF),  # rare ideographs
)

#: The other fonts by the characters that they are for, in the order in which they are asked. Source: Unicode, Blocks.
SCRIPTS = {
    "NotoSansHebrew": ((0x0590, 0x05FF), (0xFB1D, 0xFB4F)),
    "NotoSansArabic": ((0x0600, 0x06FF), (0x0750, 0x077F), (0x0870, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)),
    "NotoSansArmenian": ((0x0530, 0x058F), (0xFB13, 0xFB17)),
    "NotoSansDevanagari": ((0x0900, 0x097F), (0x1CD0, 0x1CFF), (0xA830, 0xA83F), (0xA8E0, 0xA8FF)),
    "NotoSansBengali": ((0x0980, 0x09FF),),
    "NotoSansGurmukhi": ((0x0A00, 0x0A7F),),
    "NotoSansGujarati": ((0x0A80, 0x0AFF),),
    "NotoSansOriya": ((0x0B00, 0x0B7F),),
    "NotoSansTamil": ((0x0B80, 0x0BFF),),
    "NotoSansTelugu": ((0x0C00, 0x0C7F),),
    "NotoSansKannada": ((0x0C80, 0x0CFF),),
    "NotoSansMalayalam": ((0x0D00, 0x0D7F),),
    "NotoSansSinhala": ((0x0D80, 0x0DFF), (0x111E0, 0x111FF)),
    "NotoSansThai": ((0x0E00, 0x0E7F),),
    "NotoSansLao": ((0x0E80, 0x0EFF),),
    "NotoSansMyanmar": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    "NotoSansGeorgian": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)),
    "NotoSansEthiopic": ((0x1200, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F)),
    "NotoSansKhmer": ((0x1780, 0x17FF), (0x19E0, 0x19FF)),
}

#: Fonts for all else that Matplotlib's own may lack. Emoji come before symbols, which have some as well.
OTHERS = ("NotoSans", "NotoEmoji", "NotoSansSymbols", FALLBACK_FACE)

#: What Matplotlib's own fonts show well: Latin, Greek, Cyrillic, punctuation, arrows, mathematics, lines and blocks.
COVERED = ((0x0000, 0x052F), (0x1E00, 0x209F), (0x2190, 0x22FF), (0x2500, 0x25FF))

#: Of what only OTHERS have, what isn't mathematics.
PICTURES = ((0x2600, 0x27BF), (0x1F000, 0x1FAFF))

#: Names that the image's own fonts have or are known by; the files' family for each.
OWN_FAMILIES = {
    "Arimo": "Arimo",
    "Caladea": "Caladea",
    "Noto Sans": "NotoSans",
    "Noto Emoji": "NotoEmoji",
    "Noto Sans Symbols": "NotoSansSymbols",
} | {f"Noto Sans {name.removeprefix('NotoSans')}": name for name in SCRIPTS}

#: Fonts for a named family: what is in the image, and whether it has the widths of what was asked for. The widths of
#: DejaVu Sans Mono are Courier's; STIX has those of Times in letters and digits, but not in signs.
STAND_INS = {
    ("Arimo", True): (
        "Arial", "Helvetica", "Liberation Sans", "Nimbus Sans", "Nimbus Sans L", "FreeSans", "TeX Gyre Heros",
    ),
    ("Caladea", True): ("Cambria",),
    ("DejaVu Sans Mono", True): (
        "Courier New", "Courier", "Courier 10 Pitch", "Courier Std", "Liberation Mono", "Cousine", "Nimbus Mono",
        "Nimbus Mono L", "Nimbus Mono PS", "FreeMono", "TeX Gyre Cursor", "Bitstream Vera Sans Mono", "Menlo",
    ),
    ("DejaVu Sans", True): ("Bitstream Vera Sans",),
    ("DejaVu Serif", True): ("Bitstream Vera Serif",),
    ("Arimo", False): (
        "Helvetica Neue", "Arial Black", "Arial Narrow", "Arial Nova", "Calibri", "Carlito", "Aptos", "Candara",
        "Corbel", "Segoe UI", "Trebuchet MS", "Gill Sans", "Gill Sans MT", "Futura", "Century Gothic", "Avenir",
        "Avenir Next", "Franklin Gothic", "Franklin Gothic Medium", "Franklin Gothic Book", "Optima", "Univers",
        "Frutiger", "Myriad Pro", "Roboto", "Open Sans", "Lato", "Inter", "Source Sans Pro", "Source Sans 3",
        "Montserrat", "Ubuntu", "Cantarell", "Fira Sans", "IBM Plex Sans", "PT Sans", "Poppins", "Nunito", "Raleway",
        "San Francisco", "SF Pro", "SF Pro Text", "SF Pro Display", "CMU Sans Serif", "Latin Modern Sans",
        "Microsoft Sans Serif", "MS Sans Serif", "Impact",
    ),
    ("DejaVu Sans", False): (
        "Verdana", "Tahoma", "Geneva", "Lucida Grande", "Lucida Sans", "Lucida Sans Unicode", "Comic Sans MS",
        "Comic Sans", "Comic Neue", "Humor Sans", "xkcd", "xkcd Script",
    ),
    ("STIXGeneral", False): (
        "Times New Roman", "Times", "Times Roman", "Times LT Std", "Liberation Serif", "Tinos", "Nimbus Roman",
        "Nimbus Roman No9 L", "FreeSerif", "TeX Gyre Termes", "STIX", "STIX Two Text", "XITS", "Computer Modern Roman",
        "Computer Modern", "CMU Serif", "Latin Modern Roman", "LM Roman 10", "Libertinus Serif", "Linux Libertine",
        "Linux Libertine O", "Garamond", "EB Garamond", "Adobe Garamond Pro", "Minion Pro", "Palatino",
        "Palatino Linotype", "Book Antiqua", "TeX Gyre Pagella", "Baskerville", "Didot", "Bodoni MT", "Hoefler Text",
    ),
    ("DejaVu Serif", False): (
        "Georgia", "Bookman", "Bookman Old Style", "New Century Schoolbook", "Century Schoolbook",
        "Century Schoolbook L", "Charter", "Utopia", "Constantia", "Rockwell", "Merriweather", "Noto Serif", "PT Serif",
        "Source Serif Pro", "Source Serif 4", "Roboto Slab", "IBM Plex Serif", "Lora", "Playfair Display",
        "Lucida Bright",
    ),
    ("DejaVu Sans Mono", False): (
        "Consolas", "Monaco", "SF Mono", "Lucida Console", "Andale Mono", "Source Code Pro", "Fira Code", "Fira Mono",
        "Inconsolata", "JetBrains Mono", "Ubuntu Mono", "Roboto Mono", "Cascadia Code", "Cascadia Mono",
        "IBM Plex Mono", "PT Mono", "Hack", "Noto Sans Mono", "Latin Modern Mono", "CMU Typewriter Text", "Terminal",
        "Fixed",
    ),
    ("NotoSansDevanagari", False): (
        "Mangal", "Nirmala UI", "Kokila", "Aparajita", "Utsaah", "Lohit Devanagari", "Kruti Dev 010", "Hind", "Mukta",
        "Noto Serif Devanagari",
    ),
    ("NotoSansBengali", False): (
        "Vrinda", "Shonar Bangla", "SolaimanLipi", "Kalpurush", "Lohit Bengali", "Hind Siliguri", "Noto Serif Bengali",
    ),
    ("NotoSansTamil", False): ("Latha", "Vijaya", "Lohit Tamil", "Catamaran", "Noto Serif Tamil"),
    ("NotoSansTelugu", False): ("Gautami", "Vani", "Lohit Telugu", "Noto Serif Telugu"),
    ("NotoSansGujarati", False): ("Shruti", "Lohit Gujarati", "Noto Serif Gujarati"),
    ("NotoSansKannada", False): ("Tunga", "Lohit Kannada", "Noto Serif Kannada"),
    ("NotoSansMalayalam", False): ("Kartika", "Lohit Malayalam", "Noto Serif Malayalam"),
    ("NotoSansGurmukhi", False): ("Raavi", "Lohit Gurmukhi", "Noto Serif Gurmukhi"),
    ("NotoSansOriya", False): ("Kalinga", "Lohit Odia", "Noto Serif Oriya"),
    ("NotoSansSinhala", False): ("Iskoola Pota", "Noto Serif Sinhala"),
    ("NotoSansThai", False): (
        "TH Sarabun New", "TH SarabunPSK", "THSarabunNew", "Sarabun", "Leelawadee", "Leelawadee UI", "Angsana New",
        "AngsanaUPC", "Browallia New", "Cordia New", "Garuda", "Loma", "Kanit", "Prompt", "Noto Serif Thai",
    ),
    ("NotoSansLao", False): ("DokChampa", "Lao UI", "Phetsarath OT", "Saysettha OT", "Noto Serif Lao"),
    ("NotoSansKhmer", False): ("Khmer OS", "Khmer UI", "DaunPenh", "Battambang", "Noto Serif Khmer"),
    ("NotoSansMyanmar", False): ("Myanmar Text", "Myanmar3", "Padauk", "Pyidaungsu", "Noto Serif Myanmar"),
    ("NotoSansEthiopic", False): ("Nyala", "Ebrima", "Abyssinica SIL", "Kefa", "Noto Serif Ethiopic"),
    ("NotoSansHebrew", False): ("David", "David CLM", "Miriam", "FrankRuehl", "Rubik", "Noto Serif Hebrew"),
    ("NotoSansArabic", False): (
        "Traditional Arabic", "Simplified Arabic", "Arabic Typesetting", "Sakkal Majalla", "Amiri", "Scheherazade",
        "Scheherazade New", "Cairo", "Tajawal", "Vazirmatn", "Vazir", "B Nazanin", "Noto Naskh Arabic",
        "Noto Kufi Arabic", "Jameel Noori Nastaleeq", "Noto Nastaliq Urdu",
    ),
    ("NotoSansGeorgian", False): ("Sylfaen", "BPG Arial", "Noto Serif Georgian"),
    ("NotoSansArmenian", False): ("Noto Serif Armenian",),
    ("NotoEmoji", False): (
        "Noto Color Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Apple Color Emoji", "Twemoji", "Twitter Color Emoji",
        "EmojiOne", "EmojiOne Color", "Symbola", "JoyPixels", "OpenMoji",
    ),
}  # fmt: skip
