// What a request may look like on the wire, and where it ends. Each case is fed whole and octet by octet: both must agree.
#include "http/request_reader.h"

#include <gtest/gtest.h>

namespace postern::http {
namespace {

using State = RequestReader::State;

constexpr std::size_t kMaxBody = 100;

// What came out: one line per request, then how it ended.
struct Outcome {
  std::vector<std::string> requests;
  std::optional<Fault> refusal;
  bool is_within_request = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::string describe(RequestReader& reader) {
  const RequestHead& head = reader.head();
  return head.method + ' ' + head.target.path + " [" + reader.take_body() + ']';
}

void take_requests(RequestReader& reader, Outcome& outcome) {
  while (reader.state() == State::HasHead || reader.state() == State::HasRequest) {
    if (reader.state() == State::HasHead) {
      reader.allow_body(kMaxBody);
    } else {
      outcome.requests.push_back(describe(reader));
      reader.next_request();
    }
  }
}

Outcome read(std::string_view octets, std::size_t piece) {
  RequestReader reader;
  Outcome outcome;
  while (!octets.empty() && reader.state() != State::Refused) {
    reader.received(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    take_requests(reader, outcome);
  }
  if (reader.state() == State::Refused) outcome.refusal = reader.fault().fault;
  outcome.is_within_request = reader.has_begun();
  return outcome;
}

Outcome read(std::string_view octets) {
  const Outcome whole = read(octets, octets.size());
  EXPECT_EQ(read(octets, 1), whole) << "octet by octet it reads differently: " << octets.substr(0, 200);
  EXPECT_EQ(read(octets, 7), whole) << "in pieces of seven it reads differently: " << octets.substr(0, 200);
  return whole;
}

const std::string kHost = "Host: relay.example\r\n";
const std::string kHidden = "GET /hidden HTTP/1.1\r\nHost: smuggled\r\n\r\n";

std::string post(const std::string& fields, const std::string& body = "{}") {
  return "POST /v1/emails HTTP/1.1\r\n" + kHost + fields + "\r\n" + body;
}

TEST(RequestReaderTest, ReadsRequestsOneAfterAnother) {
  const Outcome outcome = read(post("Content-Length: 2\r\n") + "GET /a%20b?x=1 HTTP/1.1\r\n" + kHost + "\r\n" +
                               post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n") +
                               "\r\nDELETE / HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_EQ(outcome.requests, (std::vector<std::string>{"POST /v1/emails [{}]", "GET /a b []", "POST /v1/emails [abc0123456789]",
                                                        "DELETE / []"}));
  EXPECT_FALSE(outcome.refusal);
  EXPECT_FALSE(outcome.is_within_request);
}

// Beast 1.81 aborts where it sees the last chunk in pieces.
TEST(RequestReaderTest, ReadsAnEmptyChunkedBody) {
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")).requests, std::vector<std::string>{"POST /v1/emails []"});
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "000;a=b\r\n\r\n")).requests.size(), 1U);
}

struct Case {
  const char* name;
  std::string octets;
};

class SmuggledRequestTest : public testing::TestWithParam<Case> {};

TEST_P(SmuggledRequestTest, IsRefusedAsAWhole) {
  const Outcome outcome = read(GetParam().octets + kHidden);
  EXPECT_EQ(outcome.requests, std::vector<std::string>{});
  EXPECT_EQ(outcome.refusal, Fault::MalformedRequest);
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

using namespace std::string_literals;

INSTANTIATE_TEST_SUITE_P(
    Forms, SmuggledRequestTest,
    testing::Values(
        Case{"LengthAndCoding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
        Case{"CodingAndLength", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
        Case{"TwoLengths", post("Content-Length: 2\r\nContent-Length: 40\r\n")},
        Case{"TwoEqualLengths", post("Content-Length: 2\r\nContent-Length: 2\r\n")},
        Case{"ListOfLengths", post("Content-Length: 2, 2\r\n")},
        Case{"SignedLength", post("Content-Length: +2\r\n")},
        Case{"HexadecimalLength", post("Content-Length: 0x2\r\n")},
        Case{"EmptyLength", post("Content-Length:\r\n")},
        Case{"OverflowingLength", post("Content-Length: 18446744073709551618\r\n")},
        Case{"OtherCoding", post("Transfer-Encoding: gzip\r\n", "0\r\n\r\n")},
        Case{"ListOfCodings", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
        Case{"CodingWithParameter", post("Transfer-Encoding: chunked;a=b\r\n", "0\r\n\r\n")},
        Case{"DisguisedCoding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
        Case{"CodingBehindVerticalTab", post("Transfer-Encoding:\vchunked\r\n", "0\r\n\r\n")},
        Case{"TwoCodings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
        Case{"CodingBelowVersion11", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        Case{"FoldedField", post("X-A: b\r\n c\r\nContent-Length: 2\r\n")},
        Case{"FoldedFirstField", "POST / HTTP/1.1\r\n X-A: b\r\n" + kHost + "Content-Length: 2\r\n\r\n{}"},
        Case{"BlankBeforeColon", post("Content-Length : 2\r\n")},
        Case{"NoColon", post("Content-Length 2\r\n")},
        Case{"NoName", post(": 2\r\nContent-Length: 2\r\n")},
        Case{"BareLf", "POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}"},
        Case{"BareLfInField", post("X-A: b\nContent-Length: 2\r\n")},
        Case{"BareCrInField", post("X-A: b\rContent-Length: 2\r\n")},
        Case{"NulInField", post("X-A: b\0c\r\nContent-Length: 2\r\n"s)},
        Case{"NulInName", post("X\0A: b\r\n"s)},
        Case{"NoHost", "GET / HTTP/1.1\r\n\r\n"},
        Case{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
        Case{"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
        Case{"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
        Case{"TwoAuthorizations", post("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n")},
        Case{"TwoContentTypes", post("Content-Type: a/b\r\nContent-Type: application/json\r\n")}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Chunks, SmuggledRequestTest,
    testing::Values(Case{"SignedSize", post("Transfer-Encoding: chunked\r\n", "+2\r\n{}\r\n0\r\n\r\n")},
                    Case{"PrefixedSize", post("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n")},
                    Case{"BlankBeforeSize", post("Transfer-Encoding: chunked\r\n", " 2\r\n{}\r\n0\r\n\r\n")},
                    Case{"BlankBehindSize", post("Transfer-Encoding: chunked\r\n", "2 \r\n{}\r\n0\r\n\r\n")},
                    Case{"NoSize", post("Transfer-Encoding: chunked\r\n", "\r\n{}\r\n0\r\n\r\n")},
                    Case{"ExtensionWithoutSize", post("Transfer-Encoding: chunked\r\n", ";a\r\n{}\r\n0\r\n\r\n")},
                    Case{"OverflowingSize", post("Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n")},
                    Case{"NoLineEnd", post("Transfer-Encoding: chunked\r\n", "2\r\n{}XX0\r\n\r\n")},
                    Case{"BareLfBehindSize", post("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n")},
                    Case{"BareLfBehindData", post("Transfer-Encoding: chunked\r\n", "2\r\n{}\n0\r\n\r\n")},
                    Case{"BareLfInExtension", post("Transfer-Encoding: chunked\r\n", "2;a\nb\r\n{}\r\n0\r\n\r\n")},
                    Case{"LongExtension",
                         post("Transfer-Encoding: chunked\r\n", "2;" + std::string(300, 'a') + "\r\n{}\r\n0\r\n\r\n")},
                    Case{"Trailer", post("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\nX-A: b\r\n\r\n")}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Lines, SmuggledRequestTest,
    testing::Values(Case{"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},                    //
                    Case{"Http09", "GET /\r\n"},                                          //
                    Case{"NotHttp", "EHLO client.example\r\n"},                           //
                    Case{"TlsHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"s}, //
                    Case{"TwoBlanks", "GET  / HTTP/1.1\r\n" + kHost + "\r\n"},            //
                    Case{"BlankInTarget", "GET /a b HTTP/1.1\r\n" + kHost + "\r\n"},      //
                    Case{"TabForBlank", "GET\t/ HTTP/1.1\r\n" + kHost + "\r\n"},          //
                    Case{"OtherVersion", "GET / HTTP/1.2\r\n" + kHost + "\r\n"},          //
                    Case{"LowerCaseVersion", "GET / http/1.1\r\n" + kHost + "\r\n"},      //
                    Case{"EightBitTarget", "GET /\xc3\xa4 HTTP/1.1\r\n" + kHost + "\r\n"}, //
                    Case{"AuthorityForm", "CONNECT a:25 HTTP/1.1\r\nHost: a:25\r\n\r\n"}, //
                    Case{"AsteriskForm", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n"},      //
                    Case{"EmptyLines", "\r\n\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n"}),
    name_of);

std::string repeated_fields(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += "X-" + std::to_string(i) + ": a\r\n";
  return fields;
}

TEST(RequestReaderTest, TakesWhatReachesItsLimits) {
  const std::string longest_target = "/" + std::string(kMaxTargetOctets - 1, 'a');
  EXPECT_EQ(read("GET " + longest_target + " HTTP/1.1\r\n" + kHost + "\r\n").requests.size(), 1U);
  EXPECT_EQ(read("GET / HTTP/1.1\r\n" + kHost + repeated_fields(99) + "\r\n").requests.size(), 1U);
  EXPECT_EQ(read(post("Content-Length: 100\r\n", std::string(kMaxBody, 'a'))).requests.size(), 1U);
  const std::string frame = "GET / HTTP/1.1\r\n" + kHost + "X: \r\n\r\n";
  const std::string field(kMaxHeadOctets - frame.size(), 'a');
  EXPECT_EQ(read("GET / HTTP/1.1\r\n" + kHost + "X: " + field + "\r\n\r\n").requests.size(), 1U);
}

TEST(RequestReaderTest, RefusesWhatIsAboveItsLimits) {
  EXPECT_EQ(read("GET /" + std::string(kMaxTargetOctets, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n").refusal, Fault::PathTooLong);
  EXPECT_EQ(read("GET /" + std::string(2 * kMaxTargetOctets, 'a')).refusal, Fault::PathTooLong);
  EXPECT_EQ(read("GET / HTTP/1.1\r\n" + kHost + repeated_fields(100) + "\r\n").refusal, Fault::HeaderFieldsTooLarge);
  EXPECT_EQ(read("GET / HTTP/1.1\r\n" + kHost + "X: " + std::string(kMaxHeadOctets, 'a')).refusal,
            Fault::HeaderFieldsTooLarge);
  EXPECT_EQ(read(post("Content-Length: 101\r\n", "")).refusal, Fault::BodyTooBig);
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "65\r\n")).refusal, Fault::BodyTooBig);
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "60\r\n" + std::string(96, 'a') + "\r\n5\r\n")).refusal,
            Fault::BodyTooBig);
}

TEST(RequestReaderTest, WaitsForTheRest) {
  const std::string whole = post("Content-Length: 2\r\n");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const Outcome outcome = read(whole.substr(0, size));
    EXPECT_TRUE(outcome.requests.empty() && !outcome.refusal && outcome.is_within_request) << whole.substr(0, size);
  }
}

RequestHead head_of(const std::string& octets) {
  RequestReader reader;
  reader.received(octets);
  EXPECT_EQ(reader.state(), State::HasHead) << octets;
  return std::move(reader.head());
}

TEST(RequestReaderTest, TellsWhatTheHeadSays) {
  const RequestHead head = head_of("POST /v1/a?b=c HTTP/1.1\r\nHost: relay.example:8443\r\nX-Thing:\t two words \r\n"
                                   "Authorization: Bearer pk_test_secret\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.host, "relay.example:8443");
  EXPECT_EQ(head.field("x-thing"), "two words");
  EXPECT_EQ(head.field("authorization"), "");
  EXPECT_EQ(head.authorization->reveal(), "Bearer pk_test_secret");
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_TRUE(head.keeps_alive);
}

TEST(RequestReaderTest, KeepsTheConnectionOnlyInVersion11WithoutClose) {
  EXPECT_FALSE(head_of("GET / HTTP/1.1\r\n" + kHost + "Connection: close\r\n\r\n").keeps_alive);
  EXPECT_FALSE(head_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keeps_alive);
  EXPECT_TRUE(head_of("GET / HTTP/1.1\r\n" + kHost + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n").keeps_alive);
}

}  // namespace
}  // namespace postern::http
