package bankfile

import "encoding/xml"

// namespace of the message. The structs below are its parts that we write, in the order of its schema.
const namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

type groupHeader struct {
	XMLName  xml.Name `xml:"GrpHdr"`
	ID       string   `xml:"MsgId"`
	Created  string   `xml:"CreDtTm"`
	Count    int      `xml:"NbOfTxs"`
	Sum      string   `xml:"CtrlSum"`
	Initiant party    `xml:"InitgPty"`
}

type party struct {
	Name string `xml:"Nm"`
}

// paymentHead is what stands in a PmtInf before its transfers.
type paymentHead struct {
	ID, Method string
	Booking    *bool
	Count      int
	Sum        string
	Execution  date
	Debtor     party
	Account    accountOf
	Agent      institution
	Charges    string
}

type date struct {
	Day string `xml:"Dt"`
}

type accountOf struct {
	IBAN  string     `xml:"Id>IBAN,omitempty"`
	Other *otherName `xml:"Id>Othr,omitempty"`
}

type otherName struct {
	ID string `xml:"Id"`
}

type institution struct {
	BIC      string     `xml:"FinInstnId>BICFI,omitempty"`
	Clearing *clearing  `xml:"FinInstnId>ClrSysMmbId,omitempty"`
	Name     string     `xml:"FinInstnId>Nm,omitempty"`
	Other    *otherName `xml:"FinInstnId>Othr,omitempty"`
}

type clearing struct {
	System string `xml:"ClrSysId>Cd"`
	Member string `xml:"MmbId"`
}

type transfer struct {
	XMLName   xml.Name     `xml:"CdtTrfTxInf"`
	EndToEnd  string       `xml:"PmtId>EndToEndId"`
	Amount    money        `xml:"Amt>InstdAmt"`
	Agent     *institution `xml:"CdtrAgt,omitempty"`
	Creditor  party        `xml:"Cdtr"`
	Account   accountOf    `xml:"CdtrAcct"`
	Remitting *remittance  `xml:"RmtInf,omitempty"`
}

type money struct {
	Currency string `xml:"Ccy,attr"`
	Value    string `xml:",chardata"`
}

type remittance struct {
	Text string `xml:"Ustrd"`
}
