/* What S3 writes as XML, as awscli takes it: each documented shape, and what must not be taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/bucket_xml.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static const struct {
    const char *xml, *json; /* NULL: refused */
} cases[] = {
    { HEAD "<VersioningConfiguration" NS "><Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>"
           "</VersioningConfiguration>",
            "{\"Status\":\"Enabled\",\"MFADelete\":\"Disabled\"}" },
    { HEAD "<VersioningConfiguration" NS "/>", "{}" },
    { "<Tagging><TagSet><Tag><Key>a</Key><Value>1 &amp; 2</Value></Tag><Tag><Key>b</Key><Value/></Tag></TagSet>"
      "</Tagging>",
            "{\"TagSet\":[{\"Key\":\"a\",\"Value\":\"1 & 2\"},{\"Key\":\"b\",\"Value\":\"\"}]}" },
    { "<Tagging><TagSet/></Tagging>", "{\"TagSet\":[]}" },
    { "<Tagging>\n <TagSet>\n </TagSet>\n</Tagging>\n", "{\"TagSet\":[]}" },
    { "<LifecycleConfiguration><Rule><ID>one</ID><Filter/><Status>Enabled</Status>"
      "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
      "<Transition><Days>90</Days><StorageClass>GLACIER</StorageClass></Transition>"
      "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>"
      "</LifecycleConfiguration>",
            "{\"Rules\":[{\"ID\":\"one\",\"Filter\":{},\"Status\":\"Enabled\",\"Transitions\":[{\"Days\":30,"
            "\"StorageClass\":\"STANDARD_IA\"},{\"Days\":90,\"StorageClass\":\"GLACIER\"}],"
            "\"Expiration\":{\"ExpiredObjectDeleteMarker\":true}}]}" },
    { "<LifecycleConfiguration><Rule><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
      "<ObjectSizeGreaterThan>500</ObjectSizeGreaterThan></And></Filter><Status>Disabled</Status>"
      "<NoncurrentVersionTransition><NoncurrentDays>3</NoncurrentDays><StorageClass>GLACIER</StorageClass>"
      "</NoncurrentVersionTransition><NoncurrentVersionExpiration><NoncurrentDays>9</NoncurrentDays>"
      "<NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
      "</Rule></LifecycleConfiguration>",
            "{\"Rules\":[{\"Filter\":{\"And\":{\"Prefix\":\"a/\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}],"
            "\"ObjectSizeGreaterThan\":500}},\"Status\":\"Disabled\","
            "\"NoncurrentVersionTransitions\":[{\"NoncurrentDays\":3,\"StorageClass\":\"GLACIER\"}],"
            "\"NoncurrentVersionExpiration\":{\"NoncurrentDays\":9,\"NewerNoncurrentVersions\":2},"
            "\"AbortIncompleteMultipartUpload\":{\"DaysAfterInitiation\":7}}]}" },
    { "<LifecycleConfiguration><Rule><Filter><Tag><Key>k</Key><Value>7</Value></Tag></Filter></Rule>"
      "</LifecycleConfiguration>",
            "{\"Rules\":[{\"Filter\":{\"Tag\":{\"Key\":\"k\",\"Value\":\"7\"}}}]}" },
    { "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
      "<AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-a</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
      "<MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>",
            "{\"CORSRules\":[{\"AllowedOrigins\":[\"*\"],\"AllowedMethods\":[\"GET\",\"PUT\"],"
            "\"AllowedHeaders\":[\"x-a\"],\"ExposeHeaders\":[\"ETag\"],\"MaxAgeSeconds\":60}]}" },
    { "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms"
      "</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:x:1:key/2</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>"
      "<BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
            "{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":"
            "\"arn:aws:kms:x:1:key/2\"},\"BucketKeyEnabled\":false}]}" },
    { "<WebsiteConfiguration><IndexDocument><Suffix>i.html</Suffix></IndexDocument><RoutingRules><RoutingRule>"
      "<Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></Condition><Redirect>"
      "<ReplaceKeyWith>n&#xe9;&#33;&quot;</ReplaceKeyWith></Redirect></RoutingRule></RoutingRules>"
      "</WebsiteConfiguration>",
            "{\"IndexDocument\":{\"Suffix\":\"i.html\"},\"RoutingRules\":[{\"Condition\":{"
            "\"HttpErrorCodeReturnedEquals\":\"404\"},\"Redirect\":{\"ReplaceKeyWith\":\"n\xc3\xa9!\\\"\"}}]}" },
    /* what nobody knows yet */
    { "<A><B>1</B><!-- x --><B>2</B><n:C x='>'>3</n:C><D><E/></D></A>",
            "{\"B\":[\"1\",\"2\"],\"C\":\"3\",\"D\":{\"E\":\"\"}}" },
    { "<A><Days>-1</Days></A>", "{\"Days\":\"-1\"}" },
    { "", NULL },
    { "<A>", NULL },
    { "<A></B>", NULL },
    { "<A/><B/>", NULL },
    { "<A><B></A></B>", NULL },
    { "<!DOCTYPE a [<!ENTITY b 'c'>]><A>&b;</A>", NULL },
    { "<A>&b;</A>", NULL },
    { "<A>&#0;</A>", NULL },
    { "<A>&#xd800;</A>", NULL },
    { "<A>&#x110000;</A>", NULL },
    { "<A><![CDATA[x]]></A>", NULL },
    { "<A><B/>", NULL },
    { "<A", NULL },
    { "<", NULL },
    { "no xml", NULL },
};

static void documents_become_what_awscli_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].xml);
        char *exact = malloc(length + 1); /* so that a sanitizer sees a byte too far */
        json_t *json, *wanted = cases[i].json != NULL ? json_loads(cases[i].json, 0, NULL) : NULL;
        assert_non_null(exact);
        memcpy(exact, cases[i].xml, length + 1);
        json = bucket_xml_json(exact, length);
        if ((json == NULL) != (wanted == NULL) || (wanted != NULL && !json_equal(json, wanted)))
            fail_msg("case %zu: %s", i, cases[i].xml);
        json_decref(json);
        json_decref(wanted);
        free(exact);
    }
}

/* Cut anywhere, nothing is taken for a whole document. */
static void documents_that_are_cut_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *end = strrchr(cases[i].xml, '>');
        for (size_t length = 0; cases[i].json != NULL && cases[i].xml + length < end; length++) {
            char *exact = malloc(length + 1);
            json_t *json;
            assert_non_null(exact);
            memcpy(exact, cases[i].xml, length);
            exact[length] = '\0';
            json = bucket_xml_json(exact, length);
            assert_null(json);
            free(exact);
        }
    }
}

static void documents_that_are_too_deep_are_refused(void **state)
{
    char text[4096] = "";

    (void)state;
    for (int i = 0; i < 400; i++)
        memcpy(text + (size_t)i * 3, "<A>", 4);
    assert_null(bucket_xml_json(text, strlen(text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_what_awscli_takes),
        cmocka_unit_test(documents_that_are_cut_are_refused),
        cmocka_unit_test(documents_that_are_too_deep_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
