// Cryptographic digests, as lower-case hexadecimal text.

#include <openssl/evp.h>

#include "expr/functions/families.h"
#include "expr/functions/shape.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;
using Algorithm = const EVP_MD* (*)();

// False: the library refuses the algorithm.
bool append_digest(std::string_view bytes, const EVP_MD* algorithm, std::string& out) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, algorithm, nullptr) != 1) {
    return false;
  }
  for (unsigned int i = 0; i < size; ++i) {
    out += "0123456789abcdef"[digest[i] >> 4];
    out += "0123456789abcdef"[digest[i] & 15];
  }
  return true;
}

template <Algorithm kAlgorithm>
void digest(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    if (!append_digest(a[0].string_at(row), kAlgorithm(), out)) {
      frame.fail(row, "this algorithm is switched off in the machine's OpenSSL");
    }
    return true;
  });
}

void sha2(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    int32_t bits = a[1].at<int32_t>(row);
    const EVP_MD* algorithm = bits == 224   ? EVP_sha224()
                              : bits == 256 ? EVP_sha256()
                              : bits == 384 ? EVP_sha384()
                              : bits == 512 ? EVP_sha512()
                                            : nullptr;
    if (algorithm == nullptr) {
      frame.fail(row, fmt::format("SHA2 has 224, 256, 384 and 512 bits, not {}", bits));
      return true;
    }
    return append_digest(a[0].string_at(row), algorithm, out);
  });
}

constexpr Function kDigestFunctions[] = {
    {"MD5", "hash", "MD5(s)", "The MD5 digest.", "MD5('abc')", "900150983cd24fb0d6963f7d28e17f72",
     bind_shape<"s", 's', digest<EVP_md5>, true>},
    {"SHA1", "hash", "SHA1(s)", "The SHA-1 digest.", "SHA1('abc')",
     "a9993e364706816aba3e25717850c26c9cd0d89d", bind_shape<"s", 's', digest<EVP_sha1>, true>},
    {"SHA224", "hash", "SHA224(s)", "The SHA-224 digest.", "SHA224('abc')",
     "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
     bind_shape<"s", 's', digest<EVP_sha224>, true>},
    {"SHA256", "hash", "SHA256(s)", "The SHA-256 digest.", "SHA256('abc')",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     bind_shape<"s", 's', digest<EVP_sha256>, true>},
    {"SHA384", "hash", "SHA384(s)", "The SHA-384 digest.", "SUBSTRING(SHA384('abc'), 1, 16)",
     "cb00753f45a35e8b", bind_shape<"s", 's', digest<EVP_sha384>, true>},
    {"SHA512", "hash", "SHA512(s)", "The SHA-512 digest.", "SUBSTRING(SHA512('abc'), 1, 16)",
     "ddaf35a193617aba", bind_shape<"s", 's', digest<EVP_sha512>, true>},
    {"SHA2", "hash", "SHA2(s, bits)", "The SHA-2 digest of 224, 256, 384 or 512 bits.",
     "SHA2('abc', 256) = SHA256('abc')", "true", bind_shape<"si", 's', sha2, true>},
};

}  // namespace

std::span<const Function> digest_functions() {
  return kDigestFunctions;
}

}  // namespace tidemark
