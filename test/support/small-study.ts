/** A study of four patients that touches all that a run does: two contents types, a visit without number, three entities. */
export const smallStudy: Record<string, string> = {
  'contents.csv': [
    'dataset,field,type,label,nullable',
    'dm,USUBJID,string,Subject,false',
    'dm,SITEID,string,Site,true',
    'dm,AGE,integer,Age,true',
    'sv,USUBJID,string,Subject,false',
    'sv,VISITNUM,double,Visit,true',
    'sv,SVDT,date,Date,true',
    'ae,USUBJID,string,Subject,false',
    'ae,AETERM,string,Term,true',
    'ae,AESEQ,bigint,Sequence,true',
    '',
  ].join('\n'),
  'dm.csv': 'USUBJID,SITEID,AGE\nP1,S1,61\nP2,S1,\nP3,S2,47\n',
  'sv.csv': 'USUBJID,VISITNUM,SVDT\nP1,1,2014-01-02\nP1,2,2014-01-09\nP2,1,2014-01-03\nP3,,2014-02-01\n',
  'ae.csv': 'USUBJID,AETERM,AESEQ\nP3,"Headache, mild",1\nP4,Nausea,1\n',
}

/** Another upload of the same study: a patient more, one gone, and a dataset less. */
export const smallStudyNext: Record<string, string> = {
  'contents.csv': smallStudy['contents.csv']!.split('\n')
    .filter(line => !line.startsWith('ae,'))
    .join('\n'),
  'dm.csv': 'USUBJID,SITEID,AGE\nP5,S3,33\nP1,S1,62\nP3,S2,47\n',
  'sv.csv': 'USUBJID,VISITNUM,SVDT\nP5,1,2014-03-02\nP1,1.0,2014-01-02\n',
}
