"""FIX 4.4 as data: the fields, components and messages that an order entry and market data session has.

Made from the text of the standard. `dictionary` reads it: the grammar is there.
"""

from typing import Final

__all__ = ["COMPONENTS", "FIELDS", "KNOWN_TAGS", "KNOWN_TYPES", "MESSAGES"]

KNOWN_TAGS: Final = (
    "1-19 21-23 25-45 48-50 52-75 77-85 87-91 93-100 102-104 106-108 110-124 126-165 167-172 188-203 206-218 "
    "220-260 262-313 315-318 320-369 371-438 441-448 451-464 466-652 654-684 686-808 810-830 832-956"
)
"""Numbers of fields of the standard: one that no message here has is known, but has no place in it."""

KNOWN_TYPES: Final = (
    "0 1 2 3 4 5 6 7 8 9 A B C D E F G H J K L M N P Q R S T V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x "
    "y z AA AB AC AD AE AF AG AH AI AJ AK AL AM AN AO AP AQ AR AS AT AU AV AW AX AY AZ BA BB BC BD BE BF BG BH"
)
"""MsgTypes of the standard: one that is not described here is known, but its body is nobody's matter."""

FIELDS: Final = """
1 Account STRING
6 AvgPx PRICE
7 BeginSeqNo SEQNUM
8 BeginString STRING
9 BodyLength LENGTH
10 CheckSum STRING
11 ClOrdID STRING
12 Commission AMT
13 CommType CHAR 1 2 3 4 5 6
14 CumQty QTY
15 Currency CURRENCY
16 EndSeqNo SEQNUM
17 ExecID STRING
18 ExecInst MULTIPLEVALUESTRING 1 2 3 4 5 6 7 8 9 0 A B C D E F G H I J K L M N O P Q R S U V W X Y Z a b c d e
19 ExecRefID STRING
21 HandlInst CHAR 1 2 3
22 SecurityIDSource STRING 1 2 3 4 5 6 7 8 9 A B C D E F G H I J
23 IOIID STRING
29 LastCapacity CHAR 1 2 3 4
30 LastMkt EXCHANGE
31 LastPx PRICE
32 LastQty QTY
34 MsgSeqNum SEQNUM
35 MsgType STRING
36 NewSeqNo SEQNUM
37 OrderID STRING
38 OrderQty QTY
39 OrdStatus CHAR 0 1 2 3 4 6 7 8 9 A B C D E
40 OrdType CHAR 1 2 3 4 6 7 8 9 D E G I J K L M P
41 OrigClOrdID STRING
43 PossDupFlag BOOLEAN
44 Price PRICE
45 RefSeqNum SEQNUM
48 SecurityID STRING
49 SenderCompID STRING
50 SenderSubID STRING
52 SendingTime UTCTIMESTAMP
54 Side CHAR 1 2 3 4 5 6 7 8 9 A B C D E F G
55 Symbol STRING
56 TargetCompID STRING
57 TargetSubID STRING
58 Text STRING
59 TimeInForce CHAR 0 1 2 3 4 5 6 7
60 TransactTime UTCTIMESTAMP
63 SettlType CHAR 0 1 2 3 4 5 6 7 8 9
64 SettlDate LOCALMKTDATE
65 SymbolSfx STRING
66 ListID STRING
70 AllocID STRING
75 TradeDate LOCALMKTDATE
77 PositionEffect CHAR C F O R
78 NoAllocs NUMINGROUP
79 AllocAccount STRING
80 AllocQty QTY
81 ProcessCode CHAR 0 1 2 3 4 5 6
89 Signature DATA
90 SecureDataLen LENGTH
91 SecureData DATA
93 SignatureLength LENGTH
95 RawDataLength LENGTH
96 RawData DATA
97 PossResend BOOLEAN
98 EncryptMethod INT 0 1 2 3 4 5 6
99 StopPx PRICE
100 ExDestination EXCHANGE
102 CxlRejReason INT 0 1 2 3 4 5 6 99
103 OrdRejReason INT 0 1 2 3 4 5 6 7 8 9 10 11 13 14 15 99
106 Issuer STRING
107 SecurityDesc STRING
108 HeartBtInt INT
110 MinQty QTY
111 MaxFloor QTY
112 TestReqID STRING
113 ReportToExch BOOLEAN
114 LocateReqd BOOLEAN
115 OnBehalfOfCompID STRING
116 OnBehalfOfSubID STRING
117 QuoteID STRING
118 NetMoney AMT
119 SettlCurrAmt AMT
120 SettlCurrency CURRENCY
121 ForexReq BOOLEAN
122 OrigSendingTime UTCTIMESTAMP
123 GapFillFlag BOOLEAN
126 ExpireTime UTCTIMESTAMP
128 DeliverToCompID STRING
129 DeliverToSubID STRING
136 NoMiscFees NUMINGROUP
137 MiscFeeAmt AMT
138 MiscFeeCurr CURRENCY
139 MiscFeeType STRING 1 2 3 4 5 6 7 8 9 10 11 12
140 PrevClosePx PRICE
141 ResetSeqNumFlag BOOLEAN
142 SenderLocationID STRING
143 TargetLocationID STRING
144 OnBehalfOfLocationID STRING
145 DeliverToLocationID STRING
146 NoRelatedSym NUMINGROUP
150 ExecType CHAR 0 3 4 5 6 7 8 9 A B C D E F G H I
151 LeavesQty QTY
152 CashOrderQty QTY
155 SettlCurrFxRate FLOAT
156 SettlCurrFxRateCalc CHAR M D
157 NumDaysInterest INT
158 AccruedInterestRate PERCENTAGE
159 AccruedInterestAmt AMT
167 SecurityType STRING EUSUPRA FAC FADN PEF SUPRA CORP CPP CB DUAL EUCORP XLINKD STRUCT YANK FOR CS PS BRADY EUSOV \
TBOND TINT TIPS TCAL TPRN TNOTE TBILL UST USTB REPO FORWARD BUYSELL SECLOAN SECPLEDGE TERM RVLV RVLVTRM BRIDGE LOFC \
SWING DINP DEFLTED WITHDRN REPLACD MATURED AMENDED RETIRED BA BN BOX CD CL CP DN EUCD EUCP LQN MTN ONITE PN PZFJ SLQN \
STN TD XCN YCD ABS CMBS CMO IET MBS MIO MPO MPP MPT PFAND TBA AN COFO COFP GO MT RAN REV SPCLA SPCLO SPCLT TAN TAXA \
TECP TRAN VRDN WAR MF MLEG NONE FUT OPT
168 EffectiveTime UTCTIMESTAMP
192 OrderQty2 QTY
193 SettlDate2 LOCALMKTDATE
194 LastSpotRate PRICE
195 LastForwardPoints PRICEOFFSET
198 SecondaryOrderID STRING
200 MaturityMonthYear MONTHYEAR
201 PutOrCall INT 0 1
202 StrikePrice PRICE
203 CoveredOrUncovered INT 0 1
206 OptAttribute CHAR
207 SecurityExchange EXCHANGE
210 MaxShow QTY
211 PegOffsetValue FLOAT
212 XmlDataLen LENGTH
213 XmlData DATA
218 Spread PRICEOFFSET
220 BenchmarkCurveCurrency CURRENCY
221 BenchmarkCurveName STRING
222 BenchmarkCurvePoint STRING
223 CouponRate PERCENTAGE
224 CouponPaymentDate LOCALMKTDATE
225 IssueDate LOCALMKTDATE
226 RepurchaseTerm INT
227 RepurchaseRate PERCENTAGE
228 Factor FLOAT
229 TradeOriginationDate LOCALMKTDATE
230 ExDate LOCALMKTDATE
231 ContractMultiplier FLOAT
232 NoStipulations NUMINGROUP
233 StipulationType STRING
234 StipulationValue STRING
235 YieldType STRING
236 Yield PERCENTAGE
237 TotalTakedown AMT
238 Concession AMT
239 RepoCollateralSecurityType STRING
240 RedemptionDate LOCALMKTDATE
241 UnderlyingCouponPaymentDate LOCALMKTDATE
242 UnderlyingIssueDate LOCALMKTDATE
243 UnderlyingRepoCollateralSecurityType STRING
244 UnderlyingRepurchaseTerm INT
245 UnderlyingRepurchaseRate PERCENTAGE
246 UnderlyingFactor FLOAT
247 UnderlyingRedemptionDate LOCALMKTDATE
255 CreditRating STRING
256 UnderlyingCreditRating STRING
258 TradedFlatSwitch BOOLEAN
259 BasisFeatureDate LOCALMKTDATE
260 BasisFeaturePrice PRICE
262 MDReqID STRING
263 SubscriptionRequestType CHAR 0 1 2
264 MarketDepth INT
265 MDUpdateType INT 0 1
266 AggregatedBook BOOLEAN
267 NoMDEntryTypes NUMINGROUP
268 NoMDEntries NUMINGROUP
269 MDEntryType CHAR 0 1 2 3 4 5 6 7 8 9 A B C
270 MDEntryPx PRICE
271 MDEntrySize QTY
272 MDEntryDate UTCDATEONLY
273 MDEntryTime UTCTIMEONLY
274 TickDirection CHAR 0 1 2 3
275 MDMkt EXCHANGE
276 QuoteCondition MULTIPLEVALUESTRING A B C D E F G H I
277 TradeCondition MULTIPLEVALUESTRING A B C D E F G H I J K L M N P Q R
278 MDEntryID STRING
279 MDUpdateAction CHAR 0 1 2
280 MDEntryRefID STRING
281 MDReqRejReason CHAR 0 1 2 3 4 5 6 7 8 9 A B C
282 MDEntryOriginator STRING
283 LocationID STRING
284 DeskID STRING
285 DeleteReason CHAR 0 1
286 OpenCloseSettlFlag MULTIPLEVALUESTRING 0 1 2 3 4 5
287 SellerDays INT
288 MDEntryBuyer STRING
289 MDEntrySeller STRING
290 MDEntryPositionNo INT
291 FinancialStatus MULTIPLEVALUESTRING 1 2
292 CorporateAction MULTIPLEVALUESTRING A B C D E
299 QuoteEntryID STRING
305 UnderlyingSecurityIDSource STRING
306 UnderlyingIssuer STRING
307 UnderlyingSecurityDesc STRING
308 UnderlyingSecurityExchange EXCHANGE
309 UnderlyingSecurityID STRING
310 UnderlyingSecurityType STRING
311 UnderlyingSymbol STRING
312 UnderlyingSymbolSfx STRING
313 UnderlyingMaturityMonthYear MONTHYEAR
315 UnderlyingPutOrCall INT
316 UnderlyingStrikePrice PRICE
317 UnderlyingOptAttribute CHAR
318 UnderlyingCurrency CURRENCY
320 SecurityReqID STRING
322 SecurityResponseID STRING
336 TradingSessionID STRING
337 ContraTrader STRING
346 NumberOfOrders INT
347 MessageEncoding STRING
348 EncodedIssuerLen LENGTH
349 EncodedIssuer DATA
350 EncodedSecurityDescLen LENGTH
351 EncodedSecurityDesc DATA
354 EncodedTextLen LENGTH
355 EncodedText DATA
362 EncodedUnderlyingIssuerLen LENGTH
363 EncodedUnderlyingIssuer DATA
364 EncodedUnderlyingSecurityDescLen LENGTH
365 EncodedUnderlyingSecurityDesc DATA
369 LastMsgSeqNumProcessed SEQNUM
371 RefTagID INT
372 RefMsgType STRING
373 SessionRejectReason INT 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 99
375 ContraBroker STRING
376 ComplianceID STRING
377 SolicitedFlag BOOLEAN
378 ExecRestatementReason INT 0 1 2 3 4 5 6 7 8 9 10 99
379 BusinessRejectRefID STRING
380 BusinessRejectReason INT 0 1 2 3 4 5 6 7
381 GrossTradeAmt AMT
382 NoContraBrokers NUMINGROUP
383 MaxMessageSize LENGTH
384 NoMsgTypes NUMINGROUP
385 MsgDirection CHAR R S
386 NoTradingSessions NUMINGROUP
387 TotalVolumeTraded QTY
388 DiscretionInst CHAR 0 1 2 3 4 5 6
389 DiscretionOffsetValue FLOAT
393 TotNoRelatedSym INT
423 PriceType INT 1 2 3 4 5 6 7 8 9 10 11
424 DayOrderQty QTY
425 DayCumQty QTY
426 DayAvgPx PRICE
427 GTBookingInst INT 0 1 2
432 ExpireDate LOCALMKTDATE
434 CxlRejResponseTo CHAR 1 2
435 UnderlyingCouponRate PERCENTAGE
436 UnderlyingContractMultiplier FLOAT
437 ContraTradeQty QTY
438 ContraTradeTime UTCTIMESTAMP
442 MultiLegReportingType CHAR 1 2 3
447 PartyIDSource CHAR B C D E F G H I 1 2 3 4 5 6 7 8 9 A
448 PartyID STRING
451 NetChgPrevDay PRICEOFFSET
452 PartyRole INT 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 24 25 26 27 28 29 30 31 32 33 34 35 36 37 \
38
453 NoPartyIDs NUMINGROUP
454 NoSecurityAltID NUMINGROUP
455 SecurityAltID STRING
456 SecurityAltIDSource STRING
457 NoUnderlyingSecurityAltID NUMINGROUP
458 UnderlyingSecurityAltID STRING
459 UnderlyingSecurityAltIDSource STRING
460 Product INT 1 2 3 4 5 6 7 8 9 10 11 12 13
461 CFICode STRING
462 UnderlyingProduct INT
463 UnderlyingCFICode STRING
464 TestMessageIndicator BOOLEAN
467 IndividualAllocID STRING
468 RoundingDirection CHAR 0 1 2
469 RoundingModulus FLOAT
470 CountryOfIssue COUNTRY
471 StateOrProvinceOfIssue STRING
472 LocaleOfIssue STRING
479 CommCurrency CURRENCY
480 CancellationRights CHAR Y N M O
481 MoneyLaunderingStatus CHAR Y N 1 2 3
483 TransBkdTime UTCTIMESTAMP
484 ExecPriceType CHAR B C D E O P Q S
485 ExecPriceAdjustment FLOAT
494 Designation STRING
497 FundRenewWaiv CHAR Y N
513 RegistID STRING
515 ExecValuationPoint UTCTIMESTAMP
516 OrderPercent PERCENTAGE
518 NoContAmts NUMINGROUP
519 ContAmtType INT 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
520 ContAmtValue FLOAT
521 ContAmtCurr CURRENCY
523 PartySubID STRING
524 NestedPartyID STRING
525 NestedPartyIDSource CHAR
526 SecondaryClOrdID STRING
527 SecondaryExecID STRING
528 OrderCapacity CHAR A G I P R W
529 OrderRestrictions MULTIPLEVALUESTRING 1 2 3 4 5 6 7 8 9 A
530 MassCancelRequestType CHAR 1 2 3 4 5 6 7
531 MassCancelResponse CHAR 0 1 2 3 4 5 6 7
532 MassCancelRejectReason STRING 0 1 2 3 4 5 6 99
533 TotalAffectedOrders INT
534 NoAffectedOrders NUMINGROUP
535 AffectedOrderID STRING
536 AffectedSecondaryOrderID STRING
538 NestedPartyRole INT
539 NoNestedPartyIDs NUMINGROUP
540 TotalAccruedInterestAmt AMT
541 MaturityDate LOCALMKTDATE
542 UnderlyingMaturityDate LOCALMKTDATE
543 InstrRegistry STRING
544 CashMargin CHAR 1 2 3
545 NestedPartySubID STRING
546 Scope MULTIPLEVALUESTRING 1 2 3
547 MDImplicitDelete BOOLEAN
548 CrossID STRING
549 CrossType INT 1 2 3 4
551 OrigCrossID STRING
553 Username STRING
554 Password STRING
559 SecurityListRequestType INT 0 1 2 3 4
560 SecurityRequestResult INT 0 1 2 3 4 5
561 RoundLot QTY
562 MinTradeVol QTY
581 AccountType INT 1 2 3 4 6 7 8
582 CustOrderCapacity INT 1 2 3 4
583 ClOrdLinkID STRING
584 MassStatusReqID STRING
586 OrigOrdModTime UTCTIMESTAMP
589 DayBookingInst CHAR 0 1 2
590 BookingUnit CHAR 0 1 2
591 PreallocMethod CHAR 0 1
592 UnderlyingCountryOfIssue COUNTRY
593 UnderlyingStateOrProvinceOfIssue STRING
594 UnderlyingLocaleOfIssue STRING
595 UnderlyingInstrRegistry STRING
625 TradingSessionSubID STRING
627 NoHops NUMINGROUP
628 HopCompID STRING
629 HopSendingTime UTCTIMESTAMP
630 HopRefID SEQNUM
635 ClearingFeeIndicator STRING B C E F H I L M 1 2 3 4 5 9
636 WorkingIndicator BOOLEAN
638 PriorityIndicator INT 0 1
639 PriceImprovement PRICEOFFSET
640 Price2 PRICE
641 LastForwardPoints2 PRICEOFFSET
651 UnderlyingLastPx PRICE
652 UnderlyingLastQty QTY
655 ContraLegRefID STRING
660 AcctIDSource INT 1 2 3 4 5 99
661 AllocAcctIDSource INT
662 BenchmarkPrice PRICE
663 BenchmarkPriceType INT
667 ContractSettlMonth MONTHYEAR
668 DeliveryForm INT 1 2
669 LastParPx PRICE
691 Pool STRING
693 QuoteRespID STRING
696 YieldRedemptionDate LOCALMKTDATE
697 YieldRedemptionPrice PRICE
698 YieldRedemptionPriceType INT
699 BenchmarkSecurityID STRING
701 YieldCalcDate LOCALMKTDATE
711 NoUnderlyings NUMINGROUP
736 AllocSettlCurrency CURRENCY
738 InterestAtMaturity AMT
761 BenchmarkSecurityIDSource STRING
762 SecuritySubType STRING
763 UnderlyingSecuritySubType STRING
775 BookingType INT 0 1 2
788 TerminationType INT 1 2 3 4
789 NextExpectedMsgSeqNum SEQNUM
790 OrdStatusReqID STRING
797 CopyMsgIndicator BOOLEAN
802 NoPartySubIDs NUMINGROUP
803 PartySubIDType INT
804 NoNestedPartySubIDs NUMINGROUP
805 NestedPartySubIDType INT
810 UnderlyingPx PRICE
811 PriceDelta FLOAT
812 ApplQueueMax INT
813 ApplQueueDepth INT
814 ApplQueueResolution INT 0 1 2 3
815 ApplQueueAction INT 0 1 2 3
816 NoAltMDSource NUMINGROUP
817 AltMDSourceID STRING
818 SecondaryTradeReportID STRING
827 ExpirationCycle INT 0 1
835 PegMoveType INT 0 1
836 PegOffsetType INT 0 1 2 3
837 PegLimitType INT 0 1 2
838 PegRoundDirection INT 1 2
839 PeggedPrice PRICE
840 PegScope INT 1 2 3 4
841 DiscretionMoveType INT 0 1
842 DiscretionOffsetType INT 0 1 2 3
843 DiscretionLimitType INT 0 1 2
844 DiscretionRoundDirection INT 1 2
845 DiscretionPrice PRICE
846 DiscretionScope INT 1 2 3 4
847 TargetStrategy INT 1 2 3
848 TargetStrategyParameters STRING
849 ParticipationRate PERCENTAGE
850 TargetStrategyPerformance FLOAT
851 LastLiquidityInd INT 1 2 3
854 QtyType INT 0 1
864 NoEvents NUMINGROUP
865 EventType INT 1 2 3 4 99
866 EventDate LOCALMKTDATE
867 EventPx PRICE
868 EventText STRING
869 PctAtRisk PERCENTAGE
870 NoInstrAttrib NUMINGROUP
871 InstrAttribType INT
872 InstrAttribValue STRING
873 DatedDate LOCALMKTDATE
874 InterestAccrualDate LOCALMKTDATE
875 CPProgram INT 1 2 99
876 CPRegType STRING
877 UnderlyingCPProgram STRING
878 UnderlyingCPRegType STRING
879 UnderlyingQty QTY
882 UnderlyingDirtyPrice PRICE
883 UnderlyingEndPrice PRICE
884 UnderlyingStartValue AMT
885 UnderlyingCurrentValue AMT
886 UnderlyingEndValue AMT
887 NoUnderlyingStips NUMINGROUP
888 UnderlyingStipType STRING
889 UnderlyingStipValue STRING
891 MiscFeeBasis INT 0 1 2
893 LastFragment BOOLEAN
898 MarginRatio PERCENTAGE
911 TotNumReports INT
912 LastRptRequested BOOLEAN
913 AgreementDesc STRING
914 AgreementID STRING
915 AgreementDate LOCALMKTDATE
916 StartDate LOCALMKTDATE
917 EndDate LOCALMKTDATE
918 AgreementCurrency CURRENCY
919 DeliveryType INT 0 1 2 3
920 EndAccruedInterestAmt AMT
921 StartCash AMT
922 EndCash AMT
941 UnderlyingStrikeCurrency CURRENCY
942 LegStrikeCurrency CURRENCY
943 TimeBracket STRING
947 StrikeCurrency CURRENCY
"""

COMPONENTS: Final = """
Instrument: Symbol* SymbolSfx SecurityID SecurityIDSource NoSecurityAltID[SecurityAltID SecurityAltIDSource] Product \
CFICode SecurityType SecuritySubType MaturityMonthYear MaturityDate PutOrCall CouponPaymentDate IssueDate \
RepoCollateralSecurityType RepurchaseTerm RepurchaseRate Factor CreditRating InstrRegistry CountryOfIssue \
StateOrProvinceOfIssue LocaleOfIssue RedemptionDate StrikePrice StrikeCurrency OptAttribute ContractMultiplier \
CouponRate SecurityExchange Issuer EncodedIssuerLen EncodedIssuer SecurityDesc EncodedSecurityDescLen \
EncodedSecurityDesc Pool ContractSettlMonth CPProgram CPRegType NoEvents[EventType EventDate EventPx EventText] \
DatedDate InterestAccrualDate
UnderlyingInstrument: UnderlyingSymbol* UnderlyingSymbolSfx UnderlyingSecurityID UnderlyingSecurityIDSource \
NoUnderlyingSecurityAltID[UnderlyingSecurityAltID UnderlyingSecurityAltIDSource] UnderlyingProduct UnderlyingCFICode \
UnderlyingSecurityType UnderlyingSecuritySubType UnderlyingMaturityMonthYear UnderlyingMaturityDate \
UnderlyingPutOrCall UnderlyingCouponPaymentDate UnderlyingIssueDate UnderlyingRepoCollateralSecurityType \
UnderlyingRepurchaseTerm UnderlyingRepurchaseRate UnderlyingFactor UnderlyingCreditRating UnderlyingInstrRegistry \
UnderlyingCountryOfIssue UnderlyingStateOrProvinceOfIssue UnderlyingLocaleOfIssue UnderlyingRedemptionDate \
UnderlyingStrikePrice UnderlyingStrikeCurrency UnderlyingOptAttribute UnderlyingContractMultiplier \
UnderlyingCouponRate UnderlyingSecurityExchange UnderlyingIssuer EncodedUnderlyingIssuerLen EncodedUnderlyingIssuer \
UnderlyingSecurityDesc EncodedUnderlyingSecurityDescLen EncodedUnderlyingSecurityDesc UnderlyingCPProgram \
UnderlyingCPRegType UnderlyingCurrency UnderlyingQty UnderlyingPx UnderlyingDirtyPrice UnderlyingEndPrice \
UnderlyingStartValue UnderlyingCurrentValue UnderlyingEndValue NoUnderlyingStips[UnderlyingStipType \
UnderlyingStipValue]
Parties: NoPartyIDs[PartyID PartyIDSource PartyRole NoPartySubIDs[PartySubID PartySubIDType]]
NestedParties: NoNestedPartyIDs[NestedPartyID NestedPartyIDSource NestedPartyRole NoNestedPartySubIDs[NestedPartySubID \
NestedPartySubIDType]]
Stipulations: NoStipulations[StipulationType StipulationValue]
FinancingDetails: AgreementDesc AgreementID AgreementDate AgreementCurrency TerminationType StartDate EndDate \
DeliveryType MarginRatio
OrderQtyData: OrderQty CashOrderQty OrderPercent RoundingDirection RoundingModulus
SpreadOrBenchmarkCurveData: Spread BenchmarkCurveCurrency BenchmarkCurveName BenchmarkCurvePoint BenchmarkPrice \
BenchmarkPriceType BenchmarkSecurityID BenchmarkSecurityIDSource
YieldData: YieldType Yield YieldCalcDate YieldRedemptionDate YieldRedemptionPrice YieldRedemptionPriceType
CommissionData: Commission CommType CommCurrency FundRenewWaiv
PegInstructions: PegOffsetValue PegMoveType PegOffsetType PegLimitType PegRoundDirection PegScope
DiscretionInstructions: DiscretionInst DiscretionOffsetValue DiscretionMoveType DiscretionOffsetType \
DiscretionLimitType DiscretionRoundDirection DiscretionScope
PreTrade: NoAllocs[AllocAccount AllocAcctIDSource AllocSettlCurrency IndividualAllocID <NestedParties> AllocQty]
Sessions: NoTradingSessions[TradingSessionID TradingSessionSubID]
Underlyings: NoUnderlyings[<UnderlyingInstrument>]
EncodedTexts: Text EncodedTextLen EncodedText
OrderAccount: Account AcctIDSource AccountType DayBookingInst BookingUnit PreallocMethod
OrderTerms: PriceType Price StopPx <SpreadOrBenchmarkCurveData> <YieldData>
Strategy: <PegInstructions> <DiscretionInstructions> TargetStrategy TargetStrategyParameters ParticipationRate
Registration: CancellationRights MoneyLaunderingStatus RegistID Designation
InstrumentExtension: DeliveryForm PctAtRisk NoInstrAttrib[InstrAttribType InstrAttribValue]
"""

MESSAGES: Final = """
header Header: BeginString* BodyLength* MsgType* SenderCompID* TargetCompID* OnBehalfOfCompID DeliverToCompID \
SecureDataLen SecureData MsgSeqNum* SenderSubID SenderLocationID TargetSubID TargetLocationID OnBehalfOfSubID \
OnBehalfOfLocationID DeliverToSubID DeliverToLocationID PossDupFlag PossResend SendingTime* OrigSendingTime XmlDataLen \
XmlData MessageEncoding LastMsgSeqNumProcessed NoHops[HopCompID HopSendingTime HopRefID]
trailer Trailer: SignatureLength Signature CheckSum*
0 Heartbeat: TestReqID
1 TestRequest: TestReqID*
2 ResendRequest: BeginSeqNo* EndSeqNo*
3 Reject: RefSeqNum* RefTagID RefMsgType SessionRejectReason <EncodedTexts>
4 SequenceReset: GapFillFlag NewSeqNo*
5 Logout: <EncodedTexts>
A Logon: EncryptMethod* HeartBtInt* RawDataLength RawData ResetSeqNumFlag NextExpectedMsgSeqNum MaxMessageSize \
NoMsgTypes[RefMsgType MsgDirection] TestMessageIndicator Username Password
j BusinessMessageReject: RefSeqNum RefMsgType* BusinessRejectRefID BusinessRejectReason* <EncodedTexts>
D NewOrderSingle: ClOrdID* SecondaryClOrdID ClOrdLinkID <Parties> TradeOriginationDate TradeDate <OrderAccount> \
AllocID <PreTrade> SettlType SettlDate CashMargin ClearingFeeIndicator HandlInst ExecInst MinQty MaxFloor \
ExDestination <Sessions> ProcessCode <Instrument>* <FinancingDetails> <Underlyings> PrevClosePx Side* LocateReqd \
TransactTime* <Stipulations> QtyType <OrderQtyData> OrdType* <OrderTerms> Currency ComplianceID SolicitedFlag IOIID \
QuoteID TimeInForce EffectiveTime ExpireDate ExpireTime GTBookingInst <CommissionData> OrderCapacity OrderRestrictions \
CustOrderCapacity ForexReq SettlCurrency BookingType <EncodedTexts> SettlDate2 OrderQty2 Price2 PositionEffect \
CoveredOrUncovered MaxShow <Strategy> <Registration>
G OrderCancelReplaceRequest: OrderID <Parties> TradeOriginationDate TradeDate OrigClOrdID* ClOrdID* SecondaryClOrdID \
ClOrdLinkID ListID OrigOrdModTime <OrderAccount> AllocID <PreTrade> SettlType SettlDate CashMargin \
ClearingFeeIndicator HandlInst ExecInst MinQty MaxFloor ExDestination <Sessions> <Instrument>* <FinancingDetails> \
<Underlyings> Side* TransactTime* QtyType <OrderQtyData> OrdType* <OrderTerms> <Strategy> ComplianceID SolicitedFlag \
Currency TimeInForce EffectiveTime ExpireDate ExpireTime GTBookingInst <CommissionData> OrderCapacity \
OrderRestrictions CustOrderCapacity ForexReq SettlCurrency BookingType <EncodedTexts> SettlDate2 OrderQty2 Price2 \
PositionEffect CoveredOrUncovered MaxShow LocateReqd <Registration>
F OrderCancelRequest: OrigClOrdID* OrderID ClOrdID* SecondaryClOrdID ClOrdLinkID ListID OrigOrdModTime Account \
AcctIDSource AccountType <Parties> <Instrument>* <FinancingDetails> <Underlyings> Side* TransactTime* <OrderQtyData> \
ComplianceID <EncodedTexts>
9 OrderCancelReject: OrderID* SecondaryOrderID SecondaryClOrdID ClOrdID* ClOrdLinkID OrigClOrdID* OrdStatus* \
WorkingIndicator OrigOrdModTime ListID Account AcctIDSource AccountType TradeOriginationDate TradeDate TransactTime \
CxlRejResponseTo* CxlRejReason <EncodedTexts>
H OrderStatusRequest: OrderID ClOrdID* SecondaryClOrdID ClOrdLinkID <Parties> OrdStatusReqID Account AcctIDSource \
<Instrument>* <FinancingDetails> <Underlyings> Side*
q OrderMassCancelRequest: ClOrdID* SecondaryClOrdID MassCancelRequestType* TradingSessionID TradingSessionSubID \
<Instrument> <UnderlyingInstrument> Side TransactTime* <EncodedTexts>
r OrderMassCancelReport: ClOrdID SecondaryClOrdID OrderID* SecondaryOrderID MassCancelRequestType* MassCancelResponse* \
MassCancelRejectReason TotalAffectedOrders NoAffectedOrders[OrigClOrdID AffectedOrderID AffectedSecondaryOrderID] \
TradingSessionID TradingSessionSubID <Instrument> <UnderlyingInstrument> Side TransactTime <EncodedTexts>
8 ExecutionReport: OrderID* SecondaryOrderID SecondaryClOrdID SecondaryExecID ClOrdID OrigClOrdID ClOrdLinkID \
QuoteRespID OrdStatusReqID MassStatusReqID TotNumReports LastRptRequested <Parties> TradeOriginationDate \
NoContraBrokers[ContraBroker ContraTrader ContraTradeQty ContraTradeTime ContraLegRefID] ListID CrossID OrigCrossID \
CrossType ExecID* ExecRefID ExecType* OrdStatus* WorkingIndicator OrdRejReason ExecRestatementReason <OrderAccount> \
SettlType SettlDate CashMargin ClearingFeeIndicator <Instrument>* <FinancingDetails> <Underlyings> Side* \
<Stipulations> QtyType <OrderQtyData> OrdType <OrderTerms> PeggedPrice DiscretionPrice <Strategy> \
TargetStrategyPerformance Currency ComplianceID SolicitedFlag TimeInForce EffectiveTime ExpireDate ExpireTime ExecInst \
OrderCapacity OrderRestrictions CustOrderCapacity LastQty UnderlyingLastQty LastPx UnderlyingLastPx LastParPx \
LastSpotRate LastForwardPoints LastMkt TradingSessionID TradingSessionSubID TimeBracket LastCapacity LeavesQty* \
CumQty* AvgPx* DayOrderQty DayCumQty DayAvgPx GTBookingInst TradeDate TransactTime ReportToExch <CommissionData> \
GrossTradeAmt NumDaysInterest ExDate AccruedInterestRate AccruedInterestAmt InterestAtMaturity EndAccruedInterestAmt \
StartCash EndCash TradedFlatSwitch BasisFeatureDate BasisFeaturePrice Concession TotalTakedown NetMoney SettlCurrAmt \
SettlCurrency SettlCurrFxRate SettlCurrFxRateCalc HandlInst MinQty MaxFloor PositionEffect MaxShow BookingType \
<EncodedTexts> SettlDate2 OrderQty2 LastForwardPoints2 MultiLegReportingType <Registration> TransBkdTime \
ExecValuationPoint ExecPriceType ExecPriceAdjustment PriorityIndicator PriceImprovement LastLiquidityInd \
NoContAmts[ContAmtType ContAmtValue ContAmtCurr] CopyMsgIndicator NoMiscFees[MiscFeeAmt MiscFeeCurr MiscFeeType \
MiscFeeBasis]
V MarketDataRequest: MDReqID* SubscriptionRequestType* MarketDepth* MDUpdateType AggregatedBook OpenCloseSettlFlag \
Scope MDImplicitDelete NoMDEntryTypes*[MDEntryType*] NoRelatedSym*[<Instrument>* <Underlyings>] <Sessions> \
ApplQueueAction ApplQueueMax
W MarketDataSnapshotFullRefresh: MDReqID <Instrument>* <Underlyings> FinancialStatus CorporateAction NetChgPrevDay \
NoMDEntries*[MDEntryType* MDEntryPx Currency MDEntrySize MDEntryDate MDEntryTime TickDirection MDMkt TradingSessionID \
TradingSessionSubID QuoteCondition TradeCondition MDEntryOriginator LocationID DeskID OpenCloseSettlFlag TimeInForce \
ExpireDate ExpireTime MinQty ExecInst SellerDays OrderID QuoteEntryID MDEntryBuyer MDEntrySeller NumberOfOrders \
MDEntryPositionNo Scope PriceDelta <EncodedTexts>] ApplQueueDepth ApplQueueResolution
X MarketDataIncrementalRefresh: MDReqID NoMDEntries*[MDUpdateAction* DeleteReason MDEntryType MDEntryID MDEntryRefID \
<Instrument> <Underlyings> FinancialStatus CorporateAction MDEntryPx Currency MDEntrySize MDEntryDate MDEntryTime \
TickDirection MDMkt TradingSessionID TradingSessionSubID QuoteCondition TradeCondition MDEntryOriginator LocationID \
DeskID OpenCloseSettlFlag TimeInForce ExpireDate ExpireTime MinQty ExecInst SellerDays OrderID QuoteEntryID \
MDEntryBuyer MDEntrySeller NumberOfOrders MDEntryPositionNo Scope PriceDelta NetChgPrevDay <EncodedTexts>] \
ApplQueueDepth ApplQueueResolution
Y MarketDataRequestReject: MDReqID* MDReqRejReason NoAltMDSource[AltMDSourceID] <EncodedTexts>
x SecurityListRequest: SecurityReqID* SecurityListRequestType* <Instrument> <InstrumentExtension> <FinancingDetails> \
<Underlyings> Currency <EncodedTexts> TradingSessionID TradingSessionSubID SubscriptionRequestType
y SecurityList: SecurityReqID* SecurityResponseID* SecurityRequestResult* TotNoRelatedSym LastFragment \
NoRelatedSym[<Instrument> <InstrumentExtension> <FinancingDetails> <Underlyings> Currency <Stipulations> \
<SpreadOrBenchmarkCurveData> <YieldData> RoundLot MinTradeVol TradingSessionID TradingSessionSubID ExpirationCycle \
<EncodedTexts>]
"""
