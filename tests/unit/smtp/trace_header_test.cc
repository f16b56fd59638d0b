// The Received field: what it says, and that a client's name for itself can neither end it nor lie in it.
#include "smtp/trace_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TraceHeader trace_of(std::string_view helo_name, const char* client = "192.0.2.7") {
  TraceHeader trace;
  trace.client = {helo_name, *parse_ip_address(client)};
  trace.hostname = "mail.example";
  trace.protocol = "ESMTPSA";
  trace.message_id = "m1";
  trace.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  trace.at = Instant() + std::chrono::seconds(1'763'721'000);
  return trace;
}

TEST(TraceHeader, NamesTheClientAndHowItCame) {
  EXPECT_EQ(format_trace_header(trace_of("client.example")),
            "Received: from client.example ([192.0.2.7])\r\n"
            "\tby mail.example with ESMTPSA\r\n"
            "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
            "\tid m1; Fri, 21 Nov 2025 10:30:00 +0000\r\n");
  EXPECT_THAT(format_trace_header(trace_of("client.example", "2001:db8::7")),
              StartsWith("Received: from client.example ([IPv6:2001:db8::7])\r\n"));
}

TEST(TraceHeader, SaysNothingOfAClientThatIsHidden) {
  TraceHeader trace = trace_of("client.example");
  trace.client.reset();
  EXPECT_EQ(format_trace_header(trace),
            "Received: from authenticated-client\r\n"
            "\tby mail.example with ESMTPSA\r\n"
            "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
            "\tid m1; Fri, 21 Nov 2025 10:30:00 +0000\r\n");
}

TEST(TraceHeader, SaysTheProtocolByItsRegisteredName) {
  EXPECT_EQ(trace_protocol(false, true, true, false), "SMTP");
  EXPECT_EQ(trace_protocol(true, false, false, false), "ESMTP");
  EXPECT_EQ(trace_protocol(true, true, true, false), "ESMTPSA");
  EXPECT_EQ(trace_protocol(true, true, true, true), "UTF8SMTPSA");
}

TEST(TraceHeader, AnEhloNameForgesNothing) {
  const std::string_view names[] = {"localhost ([10.0.0.1]) by trusted.example",
                                    "a\r\nX-Forged: yes",
                                    "a\nX-Forged: yes",
                                    "(comment",
                                    "a;b",
                                    "[10.0.0.1]",
                                    "\xD0\xB0pple.example",
                                    "",
                                    "a..b",
                                    "-a.example"};
  for (const std::string_view name : names) {
    EXPECT_EQ(format_trace_header(trace_of(name)).substr(0, 46), "Received: from [192.0.2.7] ([192.0.2.7])\r\n\tby ") << name;
  }
}

}  // namespace
}  // namespace postern::smtp
