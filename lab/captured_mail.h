// A captured message opened: what `extract`, `assert` and the checks look at. Nothing that it names is fetched.
#pragma once

#include "core/result.h"
#include "lab/mail_words.h"
#include "mime/message_reader.h"
#include "store/spool.h"
#include "web/mail_links.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::lab {

struct Unsubscribe {
  std::vector<std::string> addresses;  // of List-Unsubscribe (RFC 2369 §3.2): mailto: and https:
  bool is_one_click = false;           // RFC 8058: an https address, and List-Unsubscribe-Post as it has to be
};

struct CapturedMail {
  store::StoredMessage stored;
  std::string raw;  // signatures on top
  mime::ReadMessage read;
  std::vector<std::pair<std::string, std::string>> fields;  // name and value as people read it, in their order
  Unsubscribe unsubscribe;
  std::size_t longest_line = 0;  // octets, without its line end
  bool has_bare_line_end = false;  // a CR or an LF alone

  std::vector<std::string> field_values(std::string_view name) const;
  // The text that a person reads: of the text part, or else of the HTML.
  std::string words() const;
  std::vector<OneTimeCode> codes() const { return find_codes(words()); }
  std::vector<web::MailLink> links() const { return web::list_mail_links(read.html, read.text); }
};

CapturedMail open_mail(store::StoredMessage stored, std::string raw);
// NotFound: its content is gone. Takes time in proportion to the content: no I/O thread.
Result<CapturedMail> load_mail(const store::Spool& spool, store::StoredMessage stored);

}  // namespace postern::lab
