//! The messages: one table says what stands where, and views, lengths and the layout that Python reads all come from it.
//!
//! A view is a reference to a message's bytes. Nothing is copied or converted before a field is asked for. All numbers are
//! big-endian; texts are padded with spaces on the right; `price4` counts 1/10,000 and `price8` 1/100,000,000 of a dollar;
//! `time6` counts nanoseconds since midnight.

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Letters and digits, padded with spaces on the right.
    Text,
    /// An unsigned number.
    Number,
    /// A price in 1/10,000.
    Price4,
    /// A price in 1/100,000,000.
    Price8,
    /// Nanoseconds since midnight.
    Time,
}

impl Kind {
    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Price4 => "price4",
            Kind::Price8 => "price8",
            Kind::Time => "time",
        }
    }
}

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub kind: Kind,
    /// Its first byte in the message.
    pub at: usize,
    /// Its bytes.
    pub length: usize,
}

/// What a type of message looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its first byte.
    pub letter: u8,
    /// Its name.
    pub name: &'static str,
    /// Its bytes.
    pub length: usize,
    /// Its fields from byte 1 on, without a gap.
    pub fields: &'static [Field],
}

/// Bytes of the longest message.
pub const LONGEST: usize = 50;
/// Bytes that every message begins with: type, stock locate, tracking number, timestamp.
pub const HEADER: usize = 11;

/// The shape of a kind: its type in Rust, its [`Kind`], its bytes, and how it is read.
macro_rules! kind {
    (type letter) => {
        u8
    };
    (type text2) => {
        [u8; 2]
    };
    (type text4) => {
        [u8; 4]
    };
    (type text8) => {
        [u8; 8]
    };
    (type u16) => {
        u16
    };
    (type u32) => {
        u32
    };
    (type u64) => {
        u64
    };
    (type price4) => {
        u32
    };
    (type price8) => {
        u64
    };
    (type time6) => {
        u64
    };
    (kind letter) => {
        (Kind::Text, 1)
    };
    (kind text2) => {
        (Kind::Text, 2)
    };
    (kind text4) => {
        (Kind::Text, 4)
    };
    (kind text8) => {
        (Kind::Text, 8)
    };
    (kind u16) => {
        (Kind::Number, 2)
    };
    (kind u32) => {
        (Kind::Number, 4)
    };
    (kind u64) => {
        (Kind::Number, 8)
    };
    (kind price4) => {
        (Kind::Price4, 4)
    };
    (kind price8) => {
        (Kind::Price8, 8)
    };
    (kind time6) => {
        (Kind::Time, 6)
    };
    (read letter, $b:expr, $at:literal) => {
        $b[$at]
    };
    (read text2, $b:expr, $at:literal) => {
        take::<2>($b, $at)
    };
    (read text4, $b:expr, $at:literal) => {
        take::<4>($b, $at)
    };
    (read text8, $b:expr, $at:literal) => {
        take::<8>($b, $at)
    };
    (read u16, $b:expr, $at:literal) => {
        u16::from_be_bytes(take($b, $at))
    };
    (read u32, $b:expr, $at:literal) => {
        u32::from_be_bytes(take($b, $at))
    };
    (read u64, $b:expr, $at:literal) => {
        u64::from_be_bytes(take($b, $at))
    };
    (read price4, $b:expr, $at:literal) => {
        u32::from_be_bytes(take($b, $at))
    };
    (read price8, $b:expr, $at:literal) => {
        u64::from_be_bytes(take($b, $at))
    };
    (read time6, $b:expr, $at:literal) => {
        time($b)
    };
}

/// Copies `N` bytes out of a message. Both lengths and the place are constants, so nothing is checked at run time.
#[inline(always)]
fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut taken = [0; N];
    taken.copy_from_slice(&bytes[at..at + N]);
    taken
}

/// The timestamp of a message.
#[inline(always)]
fn time(bytes: &[u8]) -> u64 {
    let [a, b, c, d, e, f] = take::<6>(bytes, 5);
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

macro_rules! messages {
    ($($(#[$doc:meta])* $letter:literal $view:ident $name:literal $length:literal { $($field:ident: $kind:ident @ $at:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $view<'a>(&'a [u8; $length]);

            impl<'a> $view<'a> {
                /// What it looks like.
                pub const LAYOUT: Layout = {
                    let layout = Layout {
                        letter: $letter,
                        name: $name,
                        length: $length,
                        fields: &[
                            Field { name: "stock_locate", kind: Kind::Number, at: 1, length: 2 },
                            Field { name: "tracking_number", kind: Kind::Number, at: 3, length: 2 },
                            Field { name: "timestamp", kind: Kind::Time, at: 5, length: 6 },
                            $(Field {
                                name: stringify!($field),
                                kind: kind!(kind $kind).0,
                                at: $at,
                                length: kind!(kind $kind).1,
                            },)*
                        ],
                    };
                    assert!(has_no_gap(&layout));
                    layout
                };

                /// The view of a message's bytes; None if they have another type or length.
                #[inline(always)]
                pub fn of(bytes: &'a [u8]) -> Option<$view<'a>> {
                    let bytes: &[u8; $length] = bytes.try_into().ok()?;
                    (bytes[0] == $letter).then_some($view(bytes))
                }

                /// The number of the symbol today; 0 where the message is about none.
                #[inline(always)]
                pub fn stock_locate(&self) -> u16 {
                    u16::from_be_bytes(take(self.0, 1))
                }

                /// NASDAQ's own number.
                #[inline(always)]
                pub fn tracking_number(&self) -> u16 {
                    u16::from_be_bytes(take(self.0, 3))
                }

                /// Nanoseconds since midnight.
                #[inline(always)]
                pub fn timestamp(&self) -> u64 {
                    time(self.0)
                }

                $(
                    #[doc = concat!("`", stringify!($field), "`: ", stringify!($kind), " from byte ", $at, " on.")]
                    #[inline(always)]
                    pub fn $field(&self) -> kind!(type $kind) {
                        kind!(read $kind, self.0, $at)
                    }
                )*
            }
        )*

        /// Every type of message, in the order of the specification.
        pub const LAYOUTS: &[Layout] = &[$($view::LAYOUT),*];

        /// A message as the view of its type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $(
                $(#[$doc])*
                $view($view<'a>),
            )*
        }

        impl<'a> Message<'a> {
            /// The view of a message's bytes; None if its type is unknown or its length is not that of its type.
            #[inline(always)]
            pub fn of(bytes: &'a [u8]) -> Option<Message<'a>> {
                match *bytes.first()? {
                    $($letter => $view::of(bytes).map(Message::$view),)*
                    _ => None,
                }
            }
        }
    };
}

/// Do the fields fill the message from byte 1 to its end?
const fn has_no_gap(layout: &Layout) -> bool {
    let (mut next, mut place) = (1, 0);
    while place < layout.fields.len() {
        if layout.fields[place].at != next {
            return false;
        }
        next += layout.fields[place].length;
        place += 1;
    }
    next == layout.length && next <= LONGEST
}

messages! {
    /// An event of the whole system: start and end of messages, of system hours, of market hours.
    b'S' SystemEvent "system_event" 12 { event_code: letter @ 11, }
    /// A symbol of the day: its locate, and what it is.
    b'R' StockDirectory "stock_directory" 39 {
        stock: text8 @ 11,
        market_category: letter @ 19,
        financial_status: letter @ 20,
        round_lot_size: u32 @ 21,
        round_lots_only: letter @ 25,
        issue_classification: letter @ 26,
        issue_sub_type: text2 @ 27,
        authenticity: letter @ 29,
        short_sale_threshold: letter @ 30,
        ipo_flag: letter @ 31,
        luld_reference_price_tier: letter @ 32,
        etp_flag: letter @ 33,
        etp_leverage_factor: u32 @ 34,
        inverse_indicator: letter @ 38,
    }
    /// A symbol is halted, paused, quoted only, or trading.
    b'H' StockTradingAction "stock_trading_action" 25 {
        stock: text8 @ 11,
        trading_state: letter @ 19,
        reserved: letter @ 20,
        reason: text4 @ 21,
    }
    /// Whether short sales of a symbol are restricted.
    b'Y' RegShoRestriction "reg_sho_restriction" 20 { stock: text8 @ 11, reg_sho_action: letter @ 19, }
    /// What a market participant is to a symbol.
    b'L' MarketParticipantPosition "market_participant_position" 26 {
        mpid: text4 @ 11,
        stock: text8 @ 15,
        primary_market_maker: letter @ 23,
        market_maker_mode: letter @ 24,
        market_participant_state: letter @ 25,
    }
    /// The levels of the market-wide circuit breaker today.
    b'V' MwcbDeclineLevel "mwcb_decline_level" 35 { level_1: price8 @ 11, level_2: price8 @ 19, level_3: price8 @ 27, }
    /// A level of the market-wide circuit breaker was breached.
    b'W' MwcbStatus "mwcb_status" 12 { breached_level: letter @ 11, }
    /// When quoting for an IPO is expected to start (seconds since midnight).
    b'K' IpoQuotingPeriodUpdate "ipo_quoting_period_update" 28 {
        stock: text8 @ 11,
        ipo_quotation_release_time: u32 @ 19,
        ipo_quotation_release_qualifier: letter @ 23,
        ipo_price: price4 @ 24,
    }
    /// Between which prices a paused symbol may reopen.
    b'J' LuldAuctionCollar "luld_auction_collar" 35 {
        stock: text8 @ 11,
        auction_collar_reference_price: price4 @ 19,
        upper_auction_collar_price: price4 @ 23,
        lower_auction_collar_price: price4 @ 27,
        auction_collar_extension: u32 @ 31,
    }
    /// One market center stops trading a symbol, or resumes.
    b'h' OperationalHalt "operational_halt" 21 {
        stock: text8 @ 11,
        market_code: letter @ 19,
        operational_halt_action: letter @ 20,
    }
    /// An order enters the book.
    b'A' AddOrder "add_order" 36 {
        order_reference_number: u64 @ 11,
        buy_sell_indicator: letter @ 19,
        shares: u32 @ 20,
        stock: text8 @ 24,
        price: price4 @ 32,
    }
    /// An order enters the book, and whose it is.
    b'F' AddOrderWithMpid "add_order_with_mpid" 40 {
        order_reference_number: u64 @ 11,
        buy_sell_indicator: letter @ 19,
        shares: u32 @ 20,
        stock: text8 @ 24,
        price: price4 @ 32,
        attribution: text4 @ 36,
    }
    /// An order trades at its price.
    b'E' OrderExecuted "order_executed" 31 {
        order_reference_number: u64 @ 11,
        executed_shares: u32 @ 19,
        match_number: u64 @ 23,
    }
    /// An order trades at the price that is named, which may be another than its own.
    b'C' OrderExecutedWithPrice "order_executed_with_price" 36 {
        order_reference_number: u64 @ 11,
        executed_shares: u32 @ 19,
        match_number: u64 @ 23,
        printable: letter @ 31,
        execution_price: price4 @ 32,
    }
    /// A part of an order is canceled; the rest keeps its place.
    b'X' OrderCancel "order_cancel" 23 { order_reference_number: u64 @ 11, canceled_shares: u32 @ 19, }
    /// An order leaves the book.
    b'D' OrderDelete "order_delete" 19 { order_reference_number: u64 @ 11, }
    /// An order leaves the book, and another of the same side comes for it, with a new number and last in its queue.
    b'U' OrderReplace "order_replace" 35 {
        original_order_reference_number: u64 @ 11,
        new_order_reference_number: u64 @ 19,
        shares: u32 @ 27,
        price: price4 @ 31,
    }
    /// A trade of an order that is not displayed.
    b'P' Trade "trade" 44 {
        order_reference_number: u64 @ 11,
        buy_sell_indicator: letter @ 19,
        shares: u32 @ 20,
        stock: text8 @ 24,
        price: price4 @ 32,
        match_number: u64 @ 36,
    }
    /// A cross: the bulk trade of an auction.
    b'Q' CrossTrade "cross_trade" 40 {
        shares: u64 @ 11,
        stock: text8 @ 19,
        cross_price: price4 @ 27,
        match_number: u64 @ 31,
        cross_type: letter @ 39,
    }
    /// A trade is broken. The book stays as it is.
    b'B' BrokenTrade "broken_trade" 19 { match_number: u64 @ 11, }
    /// The imbalance before an auction.
    b'I' NetOrderImbalance "net_order_imbalance" 50 {
        paired_shares: u64 @ 11,
        imbalance_shares: u64 @ 19,
        imbalance_direction: letter @ 27,
        stock: text8 @ 28,
        far_price: price4 @ 36,
        near_price: price4 @ 40,
        current_reference_price: price4 @ 44,
        cross_type: letter @ 48,
        price_variation_indicator: letter @ 49,
    }
    /// Whether there is retail interest in a symbol, and on which side.
    b'N' RetailPriceImprovement "retail_price_improvement" 20 { stock: text8 @ 11, interest_flag: letter @ 19, }
    /// The price range of a direct listing with capital raise.
    b'O' DirectListingPriceDiscovery "direct_listing_price_discovery" 48 {
        stock: text8 @ 11,
        open_eligibility_status: letter @ 19,
        minimum_allowable_price: price4 @ 20,
        maximum_allowable_price: price4 @ 24,
        near_execution_price: price4 @ 28,
        near_execution_time: u64 @ 32,
        lower_price_range_collar: price4 @ 40,
        upper_price_range_collar: price4 @ 44,
    }
}

/// Bytes of a message by its first byte; 0 where there is no such type.
pub static LENGTHS: [u8; 256] = {
    let (mut lengths, mut place) = ([0; 256], 0);
    while place < LAYOUTS.len() {
        lengths[LAYOUTS[place].letter as usize] = LAYOUTS[place].length as u8;
        place += 1;
    }
    lengths
};

/// A symbol as messages carry it: 8 bytes, padded with spaces on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub [u8; 8]);

impl Symbol {
    /// The symbol of a text of 1 to 8 printable ASCII characters without a space in front; None for any other.
    pub fn parse(text: &str) -> Option<Symbol> {
        let text = text.trim_end_matches(' ').as_bytes();
        let is_legal = (1..=8).contains(&text.len()) && text[0] != b' ';
        if !is_legal || !text.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            return None;
        }
        let mut symbol = [b' '; 8];
        symbol[..text.len()].copy_from_slice(text);
        Some(Symbol(symbol))
    }

    /// Without the padding; what is not printable is shown as `?`.
    pub fn text(&self) -> String {
        printable(&self.0)
    }
}

/// A text without its padding; what is not printable is shown as `?`.
pub fn printable(text: &[u8]) -> String {
    let shown: String =
        text.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '?' }).collect();
    shown.trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths that the specification gives, written down once more.
    const SPECIFIED: &[(u8, u8)] = &[
        (b'S', 12),
        (b'R', 39),
        (b'H', 25),
        (b'Y', 20),
        (b'L', 26),
        (b'V', 35),
        (b'W', 12),
        (b'K', 28),
        (b'J', 35),
        (b'h', 21),
        (b'A', 36),
        (b'F', 40),
        (b'E', 31),
        (b'C', 36),
        (b'X', 23),
        (b'D', 19),
        (b'U', 35),
        (b'P', 44),
        (b'Q', 40),
        (b'B', 19),
        (b'I', 50),
        (b'N', 20),
        (b'O', 48),
    ];

    #[test]
    fn every_type_has_the_length_of_the_specification() {
        let known: usize = LENGTHS.iter().filter(|&&length| length > 0).count();
        assert_eq!((known, LAYOUTS.len()), (SPECIFIED.len(), SPECIFIED.len()));
        for &(letter, length) in SPECIFIED {
            assert_eq!(LENGTHS[usize::from(letter)], length, "{}", char::from(letter));
        }
    }

    #[test]
    fn views_read_in_place_and_refuse_other_lengths_and_types() {
        // 09:30:00.000000001, written out as it stands in a file.
        let bytes: Vec<u8> = [
            &b"C\x00\x07\x00\x02\x1f\x1a\xce\xd9\xf0\x01"[..],
            &[0, 0, 0, 0, 0, 0, 1, 2],
            &[0, 0, 0, 100],
            &[0, 0, 0, 0, 0, 0, 0, 9],
            b"Y",
            &[0, 1, 0x86, 0xa0],
        ]
        .concat();
        let view = OrderExecutedWithPrice::of(&bytes).expect("a whole message");
        assert_eq!((view.stock_locate(), view.tracking_number()), (7, 2));
        assert_eq!(view.timestamp(), 34_200_000_000_001);
        assert_eq!((view.order_reference_number(), view.executed_shares()), (258, 100));
        assert_eq!((view.match_number(), view.printable(), view.execution_price()), (9, b'Y', 100_000));
        assert_eq!(Message::of(&bytes), Some(Message::OrderExecutedWithPrice(view)));
        assert_eq!(Message::of(&bytes[..35]), None);
        assert_eq!(OrderReplace::of(&bytes), None);
        assert_eq!(Message::of(b""), None);
        assert_eq!(Message::of(b"Z"), None);
    }

    #[test]
    fn symbols_are_padded_and_refused() {
        assert_eq!(Symbol::parse("BRK.A"), Some(Symbol(*b"BRK.A   ")));
        assert_eq!(Symbol::parse("ABCDEFGH").map(|symbol| symbol.text()), Some("ABCDEFGH".to_string()));
        for wrong in ["", " ", "ABCDEFGHI", " A", "\u{e9}", "A\n"] {
            assert_eq!(Symbol::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(printable(b"A\x00\xff "), "A??");
    }
}
